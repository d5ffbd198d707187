-- Which of our tables are there, and how wide models.version is: an adopted table may have it as bigint. When no key makes (name, version)
-- unique, the statements that make one, with the foreign key that went with it. Then: may a trigger change what is inserted? May this role
-- read the identifier of the store, and that of the server? Are directories' members recorded? May this role read and write the digests of
-- rows of other programs? Is created_at a local time, in a zone that may not be UTC?
SELECT pg_catalog.to_regclass('migrate_models_revisions') IS NOT NULL,
       pg_catalog.to_regclass('models') IS NOT NULL,
       pg_catalog.count(*) FILTER (WHERE attname OPERATOR(pg_catalog.=) 'content_sha256') OPERATOR(pg_catalog.>) 0,
       pg_catalog.count(*) FILTER (WHERE attname OPERATOR(pg_catalog.=) 'version' AND atttypid OPERATOR(pg_catalog.=) 'pg_catalog.int8'::regtype::oid)
           OPERATOR(pg_catalog.>) 0,
       (SELECT pg_catalog.format('ALTER TABLE %I.models ADD UNIQUE (name, version)', n.nspname) OPERATOR(pg_catalog.||)
               CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_constraint f
                                  WHERE f.conrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('model_chunks')::oid AND f.confrelid OPERATOR(pg_catalog.=) c.oid) THEN ''
                    ELSE pg_catalog.format('; ALTER TABLE %1$I.model_chunks ADD FOREIGN KEY (name, version) REFERENCES %1$I.models (name, version) '
                                'ON UPDATE CASCADE ON DELETE CASCADE', n.nspname)
               END
          FROM pg_catalog.pg_class c
          JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
         WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('models')::oid
           AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_index i
                WHERE i.indrelid OPERATOR(pg_catalog.=) c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                  AND i.indnkeyatts OPERATOR(pg_catalog.=) 2
                  AND (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname)
                         FROM pg_catalog.pg_attribute a
                        WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.=) ANY ((i.indkey::int2[])[0:1]))
                      OPERATOR(pg_catalog.=) ARRAY['name', 'version'])),
       EXISTS (SELECT FROM pg_catalog.pg_trigger
                WHERE tgrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('models')::oid AND NOT tgisinternal AND tgenabled OPERATOR(pg_catalog.<>) 'D'
                      AND tgtype OPERATOR(pg_catalog.&) 4::int2 OPERATOR(pg_catalog.<>) 0),
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass('store_identity')::oid, 'SELECT'), false),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
       pg_catalog.count(*) FILTER (WHERE attname OPERATOR(pg_catalog.=) 'members_sha256') OPERATOR(pg_catalog.>) 0,
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass('model_digests')::oid, 'SELECT'), false),
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass('model_digests')::oid, 'INSERT')
                AND pg_catalog.has_table_privilege(pg_catalog.to_regclass('model_digests')::oid, 'UPDATE'), false),
       pg_catalog.count(*) FILTER (WHERE attname OPERATOR(pg_catalog.=) 'created_at' AND atttypid OPERATOR(pg_catalog.=) 'pg_catalog.timestamp'::regtype::oid)
           OPERATOR(pg_catalog.>) 0
           AND pg_catalog.current_setting('TimeZone') OPERATOR(pg_catalog.<>) ALL (ARRAY['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT', 'Zulu']::text[])
  FROM pg_catalog.pg_attribute
 WHERE attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('models')::oid AND NOT attisdropped
