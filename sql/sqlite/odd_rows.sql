-- The rows that no other query gives: of one name, ?1, those with a version that is no number from 0 on. ?1 = NULL: of all names, and those
-- whose name cannot be one.
SELECT id, name, version, coalesce(is_active, 0)
  FROM model_rows
 WHERE (?1 IS NULL OR name = ?1) AND (?1 IS NULL OR version < 0 OR version > 2147483647 OR typeof(version) <> 'integer')
