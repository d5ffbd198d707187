-- The size of a payload, how many chunks it is in, and its first piece. $1 = name, $2 = version, $3 = bytes of a piece.
SELECT coalesce(stored_bytes, octet_length(model_binary))::bigint, chunk_count,
       CASE WHEN chunk_count = 0 THEN substring(model_binary FROM 1 FOR $3::integer) END
  FROM models
 WHERE name = $1 AND version = $2::integer
