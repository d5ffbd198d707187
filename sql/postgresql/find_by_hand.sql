-- find.sql for a `models` table made by hand that was not adopted yet.
SELECT name, version::integer, coalesce(pg_catalog.sha256(model_binary), pg_catalog.sha256('')), NULL::uuid, NULL::boolean, NULL::bytea
  FROM models
 WHERE name OPERATOR(pg_catalog.=) ANY ($1::text[]) AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
