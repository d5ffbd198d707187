-- $1 = name, $2 = version, $3 = is it active?
UPDATE model_rows SET is_active = $3 WHERE name = $1 AND version = CAST($2 AS INTEGER) AND is_active IS NOT CAST($3 AS INTEGER)
