-- $1 = name, $2 = version. Its chunks go with it.
DELETE FROM models WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer
