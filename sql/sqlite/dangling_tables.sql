-- Foreign keys that lead to a table that is not there.
SELECT count(*) FROM sqlite_master AS own, pragma_foreign_key_list(own.name) AS key
WHERE own.type = 'table'
  AND NOT EXISTS (SELECT 1 FROM sqlite_master AS other WHERE other.type = 'table' AND other.name = key."table" COLLATE NOCASE)
