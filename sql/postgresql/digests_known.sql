-- Which of some rows were hashed before, and are the same since? $1 = names, text[]; $2 = versions, integer[]; $3 = marks of find.sql, text[].
SELECT (key.ord OPERATOR(pg_catalog.-) 1)::integer, d.sha256
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[]), pg_catalog.unnest($3::text[]))
       WITH ORDINALITY AS key (name, version, mark, ord)
  JOIN model_digests d
    ON d.name OPERATOR(pg_catalog.=) key.name AND d.version OPERATOR(pg_catalog.=) key.version AND d.row_mark OPERATOR(pg_catalog.=) key.mark
