-- $1 = name, $2 = alias, $3 = version, $4 = who set it. An alias that is there moves.
INSERT OR REPLACE INTO model_aliases (name, alias, version, set_by) VALUES ($1, $2, CAST($3 AS INTEGER), $4)
