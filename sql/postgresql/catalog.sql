-- Every key with its content digest, NULL for rows of other programs: to hash them is the business of find.sql, for names that are wanted.
COPY (
    SELECT name, version::integer, content_sha256, run_id, format OPERATOR(pg_catalog.=) 'tar', members_sha256, source_path
      FROM models
     WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
) TO STDOUT (FORMAT binary)
