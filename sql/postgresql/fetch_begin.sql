-- The size of a payload, how many chunks it is in, its first piece, and how many bytes there are. $1 = name, $2 = version, $3 = bytes of a piece.
SELECT coalesce(stored_bytes, pg_catalog.octet_length(model_binary))::bigint, chunk_count,
       CASE WHEN chunk_count OPERATOR(pg_catalog.=) 0 THEN pg_catalog.substring(model_binary, 1, $3::integer) END,
       pg_catalog.octet_length(model_binary)::bigint
  FROM models
 WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer
