-- The transactions of this program that hold a writer's lock on `models`, as an array. $1 = only those of this array; NULL = all.
SELECT coalesce(array_agg(l.virtualtransaction), '{}')::text
  FROM pg_locks l
  JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.relation = to_regclass('models') AND l.mode = 'RowExclusiveLock' AND l.granted
   AND a.datname = current_database() AND a.application_name = current_setting('application_name') AND l.pid <> pg_backend_pid()
   AND ($1::text[] IS NULL OR l.virtualtransaction = ANY ($1::text[]))
