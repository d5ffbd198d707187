-- find.sql for a `models` table made by hand that was not adopted yet.
SELECT name, version::integer, coalesce(sha256(model_binary), sha256('')), NULL::uuid, NULL::boolean
  FROM models
 WHERE name = ANY ($1::text[]) AND version BETWEEN 0 AND 2147483647
