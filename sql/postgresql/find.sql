-- All versions of some names. $1 = the names, text[].
SELECT name, version::integer, coalesce(content_sha256, pg_catalog.sha256(model_binary), pg_catalog.sha256('')), run_id,
       format OPERATOR(pg_catalog.=) 'tar', members_sha256
  FROM models
 WHERE name OPERATOR(pg_catalog.=) ANY ($1::text[]) AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
