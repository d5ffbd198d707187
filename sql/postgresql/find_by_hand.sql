-- find.sql for a `models` table made by hand that was not adopted yet.
SELECT name, version::integer, NULL::bytea, NULL::uuid, NULL::boolean, NULL::bytea, NULL::text,
       pg_catalog.octet_length(model_binary)::bigint, pg_catalog.concat_ws(' ', xmin::text, ctid::text, $2::text)
  FROM models
 WHERE name OPERATOR(pg_catalog.=) ANY ($1::text[]) AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
