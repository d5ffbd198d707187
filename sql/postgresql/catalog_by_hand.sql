-- catalog.sql for a `models` table made by hand that was not adopted yet.
COPY (
    SELECT name, version::integer, NULL::bytea, NULL::uuid, NULL::boolean, NULL::bytea, NULL::text
      FROM models
     WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
) TO STDOUT (FORMAT binary)
