-- The payloads of some rows, hashed here. $1 = names, text[]; $2 = versions, integer[].
SELECT (key.ord OPERATOR(pg_catalog.-) 1)::integer, pg_catalog.sha256(m.model_binary)
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[])) WITH ORDINALITY AS key (name, version, ord)
  JOIN models m ON m.name OPERATOR(pg_catalog.=) key.name AND m.version OPERATOR(pg_catalog.=) key.version
