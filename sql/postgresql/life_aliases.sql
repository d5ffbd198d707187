-- The aliases of a name, $1, or of all names when it is NULL.
SELECT name, alias, version, (extract(epoch FROM set_at) OPERATOR(pg_catalog.*) 1000000)::bigint, set_by
  FROM model_aliases
 WHERE $1::text IS NULL OR name OPERATOR(pg_catalog.=) $1::text
 ORDER BY name COLLATE pg_catalog."C", alias COLLATE pg_catalog."C"
