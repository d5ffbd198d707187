-- All versions of some names. $1 = the names, text[].
SELECT name, version::integer, coalesce(content_sha256, sha256(model_binary), sha256('')), run_id, format = 'tar'
  FROM models
 WHERE name = ANY ($1::text[]) AND version BETWEEN 0 AND 2147483647
