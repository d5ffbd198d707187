-- Every key with its content digest. A row without a digest is hashed here; its filler is as large as the server's send buffer, so that the
-- row goes out at once and the client sees that the server is alive.
COPY (
    SELECT name, version::integer, coalesce(content_sha256, pg_catalog.sha256(model_binary), pg_catalog.sha256('')), run_id,
           format OPERATOR(pg_catalog.=) 'tar', members_sha256, CASE WHEN content_sha256 IS NULL THEN pg_catalog.repeat(' ', 8192) END
      FROM models
     WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
) TO STDOUT (FORMAT binary)
