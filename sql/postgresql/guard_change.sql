-- Before a revision: nobody adds a trigger between the question of guard.sql and the change. `models` is locked as ALTER TABLE does it, at once
-- and not in two steps.
DO $$
DECLARE
    wanted text;
BEGIN
    IF pg_catalog.to_regclass('models') IS NOT NULL THEN
        LOCK TABLE models IN ACCESS EXCLUSIVE MODE;
    END IF;
    FOREACH wanted IN ARRAY ARRAY['model_chunks', 'model_runs', 'model_digests', 'model_aliases', 'model_events', 'store_identity', 'migrate_models_revisions'] LOOP
        IF pg_catalog.to_regclass(wanted) IS NOT NULL THEN
            EXECUTE pg_catalog.format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', wanted);
        END IF;
    END LOOP;
END
$$
