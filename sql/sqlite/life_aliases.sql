-- The aliases of a name, $1, or of all names when it is NULL.
SELECT name, alias, version,
       CAST(strftime('%s', set_at) AS INTEGER) * 1000000 + CAST(substr(substr(set_at, 21) || '000000', 1, 6) AS INTEGER), set_by
  FROM model_aliases
 WHERE $1 IS NULL OR name = $1
 ORDER BY name, alias
