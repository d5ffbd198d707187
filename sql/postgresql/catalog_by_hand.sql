-- catalog.sql for a `models` table made by hand that was not adopted yet: all rows are hashed here.
COPY (
    SELECT name, version::integer, coalesce(sha256(model_binary), sha256('')), NULL::uuid, NULL::boolean, repeat(' ', 8192)
      FROM models
     WHERE name IS NOT NULL AND version BETWEEN 0 AND 2147483647
) TO STDOUT (FORMAT binary)
