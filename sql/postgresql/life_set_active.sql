-- $1 = name, $2 = version, $3 = is it active? Only rows whose flag changes are written: the check of the payload's digest runs at each write.
UPDATE models SET is_active = $3::text::boolean
 WHERE name OPERATOR(pg_catalog.=) $1::text AND version OPERATOR(pg_catalog.=) $2::integer
       AND coalesce(is_active, false) OPERATOR(pg_catalog.<>) $3::text::boolean
