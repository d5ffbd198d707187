-- The transactions of this program that hold a writer's lock on the table $2, as an array, and the oldest of them for people. $1 = only those of
-- this array; NULL = all.
SELECT coalesce(pg_catalog.array_agg(l.virtualtransaction), '{}')::text,
       (pg_catalog.array_agg(pg_catalog.format('pid %s of %s, since %s', a.pid, coalesce(pg_catalog.host(a.client_addr), 'the server''s own host'),
                                               pg_catalog.to_char(a.xact_start, 'HH24:MI:SS')) ORDER BY a.xact_start))[1]
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid OPERATOR(pg_catalog.=) l.pid
 WHERE l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.relation OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2::text)::oid
       AND l.mode OPERATOR(pg_catalog.=) 'RowExclusiveLock' AND l.granted
       AND a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
       AND a.application_name OPERATOR(pg_catalog.=) pg_catalog.current_setting('application_name') AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
       AND ($1::text[] IS NULL OR l.virtualtransaction OPERATOR(pg_catalog.=) ANY ($1::text[]))
