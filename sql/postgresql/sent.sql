-- How many rows of a batch are there as they were sent? $1 = names, text[]; $2 = versions, integer[]; $3 and $4 = content_sha256 and
-- stored_sha256 in hex, text[].
SELECT pg_catalog.count(*)
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) AS key (name, version, content, stored)
  JOIN models m ON m.name OPERATOR(pg_catalog.=) key.name AND m.version OPERATOR(pg_catalog.=) key.version
 WHERE m.content_sha256 OPERATOR(pg_catalog.=) pg_catalog.decode(key.content, 'hex')
       AND m.stored_sha256 OPERATOR(pg_catalog.=) pg_catalog.decode(key.stored, 'hex')
