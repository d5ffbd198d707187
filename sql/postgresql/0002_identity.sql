-- revision: 0002
-- down_revision: 0001
-- Gives the store an identifier, directories a digest of what their content hash leaves out, and rows of other programs a place where
-- their digests are kept.

-- upgrade
-- Plans of clean-up, journals and backups name the store by a hash of this identifier, the server's system identifier and the database's oid
-- (identity.sql): a copy of the database, made by dump and restore or as a template, is another store, and nothing need be written for that.
CREATE TABLE store_identity (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    store_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid()
);
INSERT INTO store_identity DEFAULT VALUES;
COMMENT ON TABLE store_identity IS 'One row: the identifier of this store. Do not change it: plans, journals and backups are known by it.';

ALTER TABLE models
    ADD COLUMN IF NOT EXISTS members_sha256 bytea,
    ADD CONSTRAINT models_members_sha256_length CHECK (pg_catalog.octet_length(members_sha256) OPERATOR(pg_catalog.=) 32);
COMMENT ON COLUMN models.members_sha256 IS 'Directory: SHA-256 of what content_sha256 leaves out, empty folders and executable bits. NULL: a file, or not known.';

-- A row is the same as long as its xmin and ctid are: an update makes another one, also of the same key.
CREATE TABLE model_digests (
    name text NOT NULL,
    version integer NOT NULL,
    row_mark text NOT NULL,
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) OPERATOR(pg_catalog.=) 32),
    PRIMARY KEY (name, version)
);
COMMENT ON TABLE model_digests IS 'SHA-256 of rows of models that other programs wrote, worked out once. Good while row_mark is that of the row: xmin, ctid, store. May be emptied at any time.';

-- Who may read `models` may know which store it is; who may read all of its rows, what they hash to.
DO $$
DECLARE
    reader text;
    guarded boolean;
BEGIN
    FOR reader, guarded IN
        SELECT DISTINCT CASE WHEN acl.grantee OPERATOR(pg_catalog.=) 0::oid THEN 'PUBLIC' ELSE acl.grantee::regrole::text END,
               c.relrowsecurity OR c.relforcerowsecurity
          FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) AS acl
         WHERE c.oid OPERATOR(pg_catalog.=) 'models'::regclass::oid AND acl.privilege_type OPERATOR(pg_catalog.=) 'SELECT'
               AND acl.grantee OPERATOR(pg_catalog.<>) c.relowner
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON store_identity TO %s', reader);
        IF NOT guarded THEN
            EXECUTE pg_catalog.format('GRANT SELECT ON model_digests TO %s', reader);
        END IF;
    END LOOP;
END
$$;

-- The views look with the eyes of whoever asks, as far as the server can do that, unless somebody reads them already who may not read
-- `models`. An earlier text of 0001 handed on grants where row level security decides who sees what: what undoes it goes.
DO $$
DECLARE
    guarded boolean := (SELECT relrowsecurity OR relforcerowsecurity FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) 'models'::regclass::oid);
    can_ask boolean := pg_catalog.current_setting('server_version_num')::integer OPERATOR(pg_catalog.>=) 150000;
    seen record;
BEGIN
    FOR seen IN
        SELECT c.oid::regclass AS name, c.relkind,
               EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) AS acl
                        WHERE acl.privilege_type OPERATOR(pg_catalog.=) 'SELECT' AND acl.grantee OPERATOR(pg_catalog.<>) c.relowner
                          AND NOT pg_catalog.has_table_privilege(acl.grantee, 'models'::regclass::oid, 'SELECT')) AS has_own_readers
          FROM pg_catalog.pg_class c
         WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[pg_catalog.to_regclass('model_catalog')::oid, pg_catalog.to_regclass('latest_models')::oid])
           AND c.relkind OPERATOR(pg_catalog.=) 'v'
    LOOP
        IF can_ask AND (guarded OR NOT seen.has_own_readers) THEN
            EXECUTE pg_catalog.format('ALTER VIEW %s SET (security_invoker = true)', seen.name);
        END IF;
    END LOOP;
    IF NOT guarded THEN
        RETURN;
    END IF;
    FOR seen IN
        SELECT c.oid::regclass AS name, CASE WHEN acl.grantee OPERATOR(pg_catalog.=) 0::oid THEN 'PUBLIC' ELSE acl.grantee::regrole::text END AS reader
          FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) AS acl
         WHERE c.oid OPERATOR(pg_catalog.=) ANY (ARRAY['model_chunks'::regclass::oid, pg_catalog.to_regclass('model_catalog')::oid,
                                                       pg_catalog.to_regclass('latest_models')::oid])
           AND acl.privilege_type OPERATOR(pg_catalog.=) 'SELECT' AND acl.grantee OPERATOR(pg_catalog.<>) c.relowner
           AND NOT (c.relkind OPERATOR(pg_catalog.=) 'v' AND can_ask)
    LOOP
        EXECUTE pg_catalog.format('REVOKE SELECT ON %s FROM %s', seen.name, seen.reader);
    END LOOP;
END
$$;

-- downgrade
-- What is lost: the identifier (plans and backups that name it speak of another store from then on), the digests of empty folders and
-- executable bits, and the digests of rows of other programs, which the next run works out again.
DROP TABLE model_digests;
DROP TABLE store_identity;
ALTER TABLE models
    DROP CONSTRAINT models_members_sha256_length,
    DROP COLUMN members_sha256;
