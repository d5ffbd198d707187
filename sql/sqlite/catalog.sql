-- Every key with its content digest, NULL for rows of other programs: to hash them is the business of find.sql, for names that are wanted.
SELECT name, version, content_sha256, run_id, format, members_sha256, source_path
  FROM model_rows
 WHERE version >= 0
