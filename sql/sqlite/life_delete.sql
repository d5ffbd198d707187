-- $1 = name, $2 = version. Triggers remove its payload and its chunks.
DELETE FROM model_rows WHERE name = $1 AND version = CAST($2 AS INTEGER)
