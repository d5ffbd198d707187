-- What a session must know before its first transaction. The schema is where our tables are, or a `models` made by hand, else the first one
-- of the search path; transactions then name it, so that a pooler may change the server session in between. This one query runs under the
-- user's own search path: types are qualified too. Last: is this a superuser who can be kept from views, which are code of their owners? Is text
-- of no known encoding here?
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on',
       coalesce((SELECT n.nspname
                   FROM pg_catalog.pg_class c
                   JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
                  WHERE c.oid OPERATOR(pg_catalog.=) coalesce(pg_catalog.to_regclass('migrate_models_revisions'), pg_catalog.to_regclass('models'))::pg_catalog.oid
                    AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')),
                pg_catalog.current_schema()),
       pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.<>) ALL (ARRAY['UTF8', 'SQL_ASCII']::pg_catalog.text[]),
       pg_catalog.current_setting('is_superuser') OPERATOR(pg_catalog.=) 'on'
           AND pg_catalog.current_setting('restrict_nonsystem_relation_kind', true) IS NOT NULL,
       pg_catalog.current_setting('server_encoding') OPERATOR(pg_catalog.=) 'SQL_ASCII'
