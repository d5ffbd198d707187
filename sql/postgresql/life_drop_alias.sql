-- $1 = name, $2 = alias.
DELETE FROM model_aliases WHERE name OPERATOR(pg_catalog.=) $1::text AND alias OPERATOR(pg_catalog.=) $2::text
