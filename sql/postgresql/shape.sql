-- Which of our tables are there, and how wide models.version is: an adopted table may have it as bigint. When no key makes (name, version)
-- unique, the statements that make one, with the foreign key that went with it. Then: may a trigger change what is inserted? May this role
-- read the identifier of the store, and that of the server?
SELECT to_regclass('migrate_models_revisions') IS NOT NULL,
       to_regclass('models') IS NOT NULL,
       count(*) FILTER (WHERE attname = 'content_sha256') > 0,
       count(*) FILTER (WHERE attname = 'version' AND atttypid = 'bigint'::regtype) > 0,
       (SELECT format('ALTER TABLE %I.models ADD UNIQUE (name, version)', n.nspname) ||
               CASE WHEN EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = to_regclass('model_chunks') AND f.confrelid = c.oid) THEN ''
                    ELSE format('; ALTER TABLE %1$I.model_chunks ADD FOREIGN KEY (name, version) REFERENCES %1$I.models (name, version) '
                                'ON UPDATE CASCADE ON DELETE CASCADE', n.nspname)
               END
          FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = to_regclass('models')
           AND NOT EXISTS (
               SELECT FROM pg_index i
                WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                  AND i.indnkeyatts = 2
                  AND (SELECT array_agg(a.attname::text ORDER BY a.attname)
                         FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attnum = ANY ((i.indkey::int2[])[0:1])) = ARRAY['name', 'version'])),
       EXISTS (SELECT FROM pg_trigger
                WHERE tgrelid = to_regclass('models') AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 4 <> 0),
       coalesce(pg_catalog.has_table_privilege(pg_catalog.to_regclass('store_identity')::pg_catalog.oid, 'SELECT'::text), false),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()'::text, 'EXECUTE'::text)
  FROM pg_attribute
 WHERE attrelid = to_regclass('models') AND NOT attisdropped
