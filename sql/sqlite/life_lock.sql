-- The transaction holds the whole file; $1 = the name.
SELECT version FROM model_rows WHERE name = $1 LIMIT 0
