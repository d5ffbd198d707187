-- $1 = name, $2 = alias, $3 = version, $4 = who set it. An alias that is there moves.
INSERT INTO model_aliases (name, alias, version, set_by)
VALUES ($1::text, $2::text, $3::integer, pg_catalog.concat($4::text, ' (', SESSION_USER, ')'))
ON CONFLICT (name, alias) DO UPDATE SET version = EXCLUDED.version, set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at
