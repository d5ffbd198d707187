-- Which of our tables are there, and how wide models.version is: an adopted table may have it as bigint.
SELECT to_regclass('migrate_models_revisions') IS NOT NULL,
       to_regclass('models') IS NOT NULL,
       count(*) FILTER (WHERE attname = 'content_sha256') > 0,
       count(*) FILTER (WHERE attname = 'version' AND atttypid = 'bigint'::regtype) > 0
  FROM pg_attribute
 WHERE attrelid = to_regclass('models') AND NOT attisdropped
