-- odd_rows.sql for a `models` table made by hand that was not adopted yet.
SELECT pg_catalog.concat_ws(' ', 'ctid', ctid::text), name, version::text, true
  FROM models
 WHERE ($1::text IS NULL OR name OPERATOR(pg_catalog.=) $1::text)
       AND (name IS NULL OR version IS NULL OR version OPERATOR(pg_catalog.<) 0 OR version OPERATOR(pg_catalog.>) 2147483647 OR $2::boolean)
