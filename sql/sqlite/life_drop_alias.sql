-- $1 = name, $2 = alias.
DELETE FROM model_aliases WHERE name = $1 AND alias = $2
