-- catalog.sql for a `models` table made by hand that was not adopted yet: all rows are hashed here.
COPY (
    SELECT name, version::integer, coalesce(pg_catalog.sha256(model_binary), pg_catalog.sha256('')), NULL::uuid, NULL::boolean, NULL::bytea, pg_catalog.repeat(' ', 8192)
      FROM models
     WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
) TO STDOUT (FORMAT binary)
