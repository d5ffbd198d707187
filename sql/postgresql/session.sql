-- What a session must know before its first transaction. The schema is where our tables are, or a `models` made by hand, else the first one
-- of the search path; transactions then name it, so that a pooler may change the server session in between.
SELECT current_setting('server_version_num')::integer,
       pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'on',
       coalesce((SELECT n.nspname
                   FROM pg_class c
                   JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.oid = coalesce(to_regclass('migrate_models_revisions'), to_regclass('models'))
                    AND n.nspname NOT LIKE 'pg\_%'),
                current_schema()),
       current_setting('server_encoding') NOT IN ('UTF8', 'SQL_ASCII')
