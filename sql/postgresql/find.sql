-- All versions of some names, as catalog.sql has them, and of each row the size of its payload and what tells it from a later one of the
-- same key. $1 = the names, text[]; $2 = the identifier of the store: xmin and ctid mean nothing in a copy.
SELECT name, version::integer, content_sha256, run_id, format OPERATOR(pg_catalog.=) 'tar', members_sha256, source_path,
       pg_catalog.octet_length(model_binary)::bigint, pg_catalog.concat_ws(' ', xmin::text, ctid::text, $2::text)
  FROM models
 WHERE name OPERATOR(pg_catalog.=) ANY ($1::text[]) AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
