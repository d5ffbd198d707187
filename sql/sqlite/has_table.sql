-- A table or a view. ?1 = its name.
SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')
