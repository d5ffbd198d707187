-- revision: 0001
-- down_revision: none
-- earlier: cdac9c5c637a9c5ed7e36099abbd9457fd198358ba8f8e738c6fd37800022b78,51bf62e4158169ddaa41aaabdac8fc3743cca95784fdb23a90a1e7885a419f2f
-- Makes the tables of migrate_models_to_db, or adopts a `models` table that is there already: its rows, columns, grants and readers stay.
-- PostgreSQL 13 or later. Runs in one transaction; needs to own `models` when it adopts it.
-- An adopted table is checked first. It may have its columns in any order, further columns that are nullable or have a default,
-- text for varchar, bigint for integer, a UUID for id; it must have the eight columns below and a unique key on (name, version).

-- upgrade
DO $$
DECLARE
    table_oid oid := pg_catalog.to_regclass('models')::oid;
    kind "char";
    wrong text;
BEGIN
    IF table_oid IS NULL THEN
        RETURN;
    END IF;
    SELECT relkind INTO kind FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) table_oid;
    IF kind OPERATOR(pg_catalog.<>) 'r'::"char" THEN
        RAISE EXCEPTION 'models is not an ordinary table' USING ERRCODE = 'MM001',
            HINT = 'rename it, or use another schema (options=-csearch_path=...)';
    END IF;

    SELECT pg_catalog.string_agg(pg_catalog.format('%s: %s, must be %s', column_name, coalesce(pg_catalog.format_type(a.atttypid, a.atttypmod), 'missing'),
                                                   pg_catalog.replace(types, ',', ' or ')), '; ')
      INTO wrong
      FROM (VALUES ('id', 'integer,bigint,uuid', true), ('name', 'text,character varying', true), ('version', 'integer,bigint', true),
                   ('model_type', 'text,character varying', true), ('event', 'text,character varying', true), ('model_binary', 'bytea', true),
                   ('created_at', 'timestamp without time zone,timestamp with time zone', true), ('is_active', 'boolean', true),
                   ('content_sha256', 'bytea', false), ('raw_bytes', 'bigint', false), ('stored_sha256', 'bytea', false),
                   ('stored_bytes', 'bigint', false), ('format', 'text', false), ('encoding', 'text', false), ('chunk_count', 'integer', false),
                   ('source_host', 'text', false), ('source_path', 'text', false), ('source_mtime', 'timestamp with time zone', false),
                   ('run_id', 'uuid', false), ('members_sha256', 'bytea', false)) AS expected (column_name, types, required)
      LEFT JOIN pg_catalog.pg_attribute a
        ON a.attrelid OPERATOR(pg_catalog.=) table_oid AND a.attname OPERATOR(pg_catalog.=) column_name AND NOT a.attisdropped
     WHERE CASE WHEN a.attname IS NULL THEN required
                ELSE NOT pg_catalog.format_type(a.atttypid, NULL) OPERATOR(pg_catalog.=) ANY (pg_catalog.string_to_array(types, ',')) END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the table models cannot be adopted: %', wrong USING ERRCODE = 'MM001',
            HINT = 'change its columns, rename it, or use another schema (options=-csearch_path=...)';
    END IF;

    SELECT pg_catalog.string_agg(a.attname, ', ') INTO wrong
      FROM pg_catalog.pg_attribute a
     WHERE a.attrelid OPERATOR(pg_catalog.=) table_oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped AND a.attnotnull AND NOT a.atthasdef
       AND a.attidentity OPERATOR(pg_catalog.=) ''
       AND a.attname OPERATOR(pg_catalog.<>) ALL (ARRAY['name', 'version', 'model_type', 'event', 'model_binary', 'is_active', 'created_at']::name[])
       AND NOT (a.attname OPERATOR(pg_catalog.=) 'id'::name AND a.atttypid OPERATOR(pg_catalog.=) 'uuid'::regtype::oid);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the table models cannot be adopted: no default for %', wrong USING ERRCODE = 'MM001',
            HINT = 'give these columns a default, or allow NULL in them';
    END IF;

    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_index i
         WHERE i.indrelid OPERATOR(pg_catalog.=) table_oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
           AND i.indnkeyatts OPERATOR(pg_catalog.=) 2
           AND (SELECT pg_catalog.array_agg(a.attname::text ORDER BY a.attname)
                  FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid OPERATOR(pg_catalog.=) table_oid AND a.attnum OPERATOR(pg_catalog.=) ANY ((i.indkey::int2[])[0:1]))
               OPERATOR(pg_catalog.=) ARRAY['name', 'version'])
    THEN
        RAISE EXCEPTION 'the table models cannot be adopted: it has no unique key on (name, version)' USING ERRCODE = 'MM001',
            HINT = 'remove double rows, then: ALTER TABLE models ADD UNIQUE (name, version)';
    END IF;
END
$$;

DO $$
BEGIN
    IF pg_catalog.to_regclass('models') IS NULL THEN
        CREATE TABLE models (
            id SERIAL PRIMARY KEY,
            name VARCHAR(255) NOT NULL,
            version INTEGER NOT NULL,
            model_type VARCHAR(50) NOT NULL,
            event VARCHAR(255) NOT NULL,
            model_binary BYTEA NOT NULL,
            created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
            is_active BOOLEAN DEFAULT TRUE,
            UNIQUE (name, version)
        );
        -- The downgrade knows by this comment that the table is not somebody else's.
        COMMENT ON TABLE models IS 'Trained models, one row for each name and version. Made by migrate_models_to_db.';
    END IF;
END
$$;

-- An object-relational mapper fills these in its own program: rows of other programs need a default, which stays when the tables go back down.
DO $$
DECLARE
    needs name;
BEGIN
    FOR needs IN
        SELECT attname FROM pg_catalog.pg_attribute
         WHERE attrelid OPERATOR(pg_catalog.=) 'models'::regclass::oid AND NOT attisdropped AND NOT atthasdef AND attidentity OPERATOR(pg_catalog.=) ''
               AND (attname OPERATOR(pg_catalog.=) 'created_at'::name
                    OR attname OPERATOR(pg_catalog.=) 'id'::name AND atttypid OPERATOR(pg_catalog.=) 'uuid'::regtype::oid)
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE models ALTER COLUMN %I SET DEFAULT %s', needs,
                                  CASE WHEN needs OPERATOR(pg_catalog.=) 'id'::name THEN 'pg_catalog.gen_random_uuid()' ELSE 'CURRENT_TIMESTAMP' END);
    END LOOP;
END
$$;

ALTER TABLE models
    ADD COLUMN IF NOT EXISTS content_sha256 bytea,
    ADD COLUMN IF NOT EXISTS raw_bytes bigint,
    ADD COLUMN IF NOT EXISTS stored_sha256 bytea,
    ADD COLUMN IF NOT EXISTS stored_bytes bigint,
    ADD COLUMN IF NOT EXISTS format text,
    ADD COLUMN IF NOT EXISTS encoding text,
    ADD COLUMN IF NOT EXISTS chunk_count integer NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS source_host text,
    ADD COLUMN IF NOT EXISTS source_path text,
    ADD COLUMN IF NOT EXISTS source_mtime timestamptz,
    ADD COLUMN IF NOT EXISTS run_id uuid;

-- Columns of these names that the table had before: what they hold must be what the program means by them.
DO $$
DECLARE
    wrong text;
BEGIN
    SELECT pg_catalog.string_agg(pg_catalog.format('the row with id %s has %s', bad.id, bad.problem), '; ') INTO wrong
      FROM (SELECT id, problem
              FROM (SELECT id, CASE
                        WHEN format OPERATOR(pg_catalog.<>) ALL (ARRAY['file', 'tar']) THEN pg_catalog.format('the format %L', format)
                        WHEN encoding OPERATOR(pg_catalog.<>) ALL (ARRAY['gzip', 'identity']) THEN pg_catalog.format('the encoding %L', encoding)
                        WHEN pg_catalog.octet_length(content_sha256) OPERATOR(pg_catalog.<>) 32 THEN 'a content_sha256 that is not 32 bytes long'
                        WHEN chunk_count IS NULL OR chunk_count OPERATOR(pg_catalog.<) 0 THEN pg_catalog.format('the chunk_count %L', chunk_count)
                        WHEN chunk_count OPERATOR(pg_catalog.=) 0 AND stored_sha256 OPERATOR(pg_catalog.<>) pg_catalog.sha256(model_binary)
                            THEN 'a stored_sha256 that is not that of its model_binary'
                    END AS problem FROM models) AS every
             WHERE problem IS NOT NULL
             LIMIT 5) AS bad;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the table models cannot be adopted: %', wrong USING ERRCODE = 'MM001',
            HINT = 'change these rows, or rename the column';
    END IF;
END
$$;

-- EXTERNAL: payloads are compressed already; to try pglz on them first would halve the speed of a load.
ALTER TABLE models
    ALTER COLUMN model_binary SET STORAGE EXTERNAL,
    ADD CONSTRAINT models_stored_sha256_matches
        CHECK (stored_sha256 IS NULL OR chunk_count OPERATOR(pg_catalog.>) 0 OR stored_sha256 OPERATOR(pg_catalog.=) pg_catalog.sha256(model_binary)),
    ADD CONSTRAINT models_content_sha256_length CHECK (pg_catalog.octet_length(content_sha256) OPERATOR(pg_catalog.=) 32),
    ADD CONSTRAINT models_format_known CHECK (format OPERATOR(pg_catalog.=) ANY (ARRAY['file', 'tar'])),
    ADD CONSTRAINT models_encoding_known CHECK (encoding OPERATOR(pg_catalog.=) ANY (ARRAY['gzip', 'identity'])),
    ADD CONSTRAINT models_chunk_count_not_negative CHECK (chunk_count OPERATOR(pg_catalog.>=) 0);

COMMENT ON COLUMN models.model_binary IS 'The payload, encoded as `encoding` says; empty when it is in model_chunks (chunk_count > 0).';
COMMENT ON COLUMN models.content_sha256 IS 'SHA-256 of the content before encoding. Directory: of the sorted lines "<hash>  <path>" of its files.';
COMMENT ON COLUMN models.raw_bytes IS 'Size of the content before encoding.';
COMMENT ON COLUMN models.stored_sha256 IS 'SHA-256 of the payload as stored: of model_binary, or of all chunks in order.';
COMMENT ON COLUMN models.stored_bytes IS 'Size of the payload as stored.';
COMMENT ON COLUMN models.format IS 'file: the content is one file. tar: a directory, members at the root of the archive.';
COMMENT ON COLUMN models.encoding IS 'gzip: one gzip member. identity: as it was.';
COMMENT ON COLUMN models.chunk_count IS '0: the payload is in model_binary. Else the number of its rows in model_chunks.';
COMMENT ON COLUMN models.source_host IS 'The host that it was migrated from.';
COMMENT ON COLUMN models.source_path IS 'Its path there.';
COMMENT ON COLUMN models.source_mtime IS 'When the source was last changed.';
COMMENT ON COLUMN models.run_id IS 'The run that stored it: model_runs.run_id.';

-- Rows that other programs wrote: the server hashes them. One by one, and with a notice each second, so that the client sees it is alive.
DO $$
DECLARE
    row_id tid;
    digest bytea;
    done bigint := 0;
    told timestamptz := pg_catalog.clock_timestamp();
BEGIN
    FOR row_id IN SELECT ctid FROM models WHERE stored_sha256 IS NULL AND content_sha256 IS NULL AND model_binary IS NOT NULL LOOP
        SELECT pg_catalog.sha256(model_binary) INTO digest FROM models WHERE ctid OPERATOR(pg_catalog.=) row_id;
        BEGIN
            UPDATE models
               SET content_sha256 = digest, stored_sha256 = digest, raw_bytes = pg_catalog.octet_length(model_binary),
                   stored_bytes = pg_catalog.octet_length(model_binary), format = coalesce(format, 'file'), encoding = coalesce(encoding, 'identity')
             WHERE ctid OPERATOR(pg_catalog.=) row_id;
        EXCEPTION WHEN integrity_constraint_violation THEN -- a rule of the table's own, which its older rows need not keep
            RAISE EXCEPTION 'the table models cannot be adopted: the row with id %: %', (SELECT id FROM models WHERE ctid OPERATOR(pg_catalog.=) row_id), SQLERRM
                USING ERRCODE = 'MM001', HINT = 'change this row, or the rule that it breaks';
        END;
        done := done OPERATOR(pg_catalog.+) 1;
        IF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>) (told OPERATOR(pg_catalog.+) interval '1 second') THEN
            RAISE NOTICE '% rows of models hashed', done;
            told := pg_catalog.clock_timestamp();
        END IF;
    END LOOP;
END
$$;

CREATE TABLE model_chunks (
    name text NOT NULL,
    version integer NOT NULL,
    seq integer NOT NULL CHECK (seq OPERATOR(pg_catalog.>=) 0),
    data bytea NOT NULL,
    sha256 bytea CHECK (sha256 OPERATOR(pg_catalog.=) pg_catalog.sha256(data)),
    PRIMARY KEY (name, version, seq),
    FOREIGN KEY (name, version) REFERENCES models (name, version) ON UPDATE CASCADE ON DELETE CASCADE
);
ALTER TABLE model_chunks ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE model_chunks IS 'Payloads that are too large for one value: the pieces of 16 MiB, seq from 0. Joined in order they are the payload.';

CREATE TABLE model_runs (
    run_id uuid PRIMARY KEY,
    host text NOT NULL,
    user_name text NOT NULL,
    models_dir text NOT NULL,
    program_version text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    finished_at timestamptz,
    new_count bigint,
    unchanged_count bigint,
    conflict_count bigint,
    failed_count bigint,
    raw_bytes bigint,
    stored_bytes bigint,
    exit_code integer
);
COMMENT ON TABLE model_runs IS 'The runs that stored something. finished_at is NULL while a run goes on, and for ever when it was killed.';

CREATE VIEW model_catalog AS
    SELECT id, name, version, model_type, event, created_at, is_active, format, encoding, raw_bytes, stored_bytes, chunk_count,
           pg_catalog.encode(content_sha256, 'hex') AS content_sha256, pg_catalog.encode(stored_sha256, 'hex') AS stored_sha256,
           source_host, source_path, source_mtime, run_id
      FROM models;
COMMENT ON VIEW model_catalog IS 'All models without their payload; digests in hex.';

CREATE VIEW latest_models AS
    SELECT DISTINCT ON (name) * FROM models WHERE is_active ORDER BY name, version DESC;
COMMENT ON VIEW latest_models IS 'The latest active version of each name, with the columns of models.';

-- Who may read all of an adopted table may read what is beside it: not under row level security, where "may read" is less than all rows.
DO $$
DECLARE
    reader text;
BEGIN
    FOR reader IN
        SELECT DISTINCT CASE WHEN acl.grantee OPERATOR(pg_catalog.=) 0::oid THEN 'PUBLIC' ELSE acl.grantee::regrole::text END
          FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) AS acl
         WHERE c.oid OPERATOR(pg_catalog.=) 'models'::regclass::oid AND acl.privilege_type OPERATOR(pg_catalog.=) 'SELECT'
               AND acl.grantee OPERATOR(pg_catalog.<>) c.relowner AND NOT c.relrowsecurity AND NOT c.relforcerowsecurity
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON model_chunks, model_catalog, latest_models, model_runs TO %s', reader);
    END LOOP;
END
$$;

-- downgrade
-- `models` and its rows stay, with the columns that a table made by hand has; only an empty one that the upgrade made is dropped.
-- What is lost: digests, sizes, format and encoding of the rows, where they came from, and the record of runs. Rows in chunks have their
-- payload outside `models`: while there are any, nothing is changed.
DO $$
DECLARE
    chunked bigint;
BEGIN
    LOCK TABLE models, model_chunks IN ACCESS EXCLUSIVE MODE;
    SELECT pg_catalog.count(*) INTO chunked FROM models WHERE chunk_count OPERATOR(pg_catalog.>) 0;
    IF chunked OPERATOR(pg_catalog.>) 0 THEN
        RAISE EXCEPTION '% models have their payload in model_chunks and would be lost', chunked USING ERRCODE = 'MM001',
            HINT = 'fetch them with `get`, delete their rows, and try again';
    END IF;
END
$$;

DROP VIEW latest_models;
DROP VIEW model_catalog;
DROP TABLE model_runs;
DROP TABLE model_chunks;

DO $$
BEGIN
    IF pg_catalog.obj_description('models'::regclass::oid, 'pg_class') OPERATOR(pg_catalog.~~) '%Made by migrate\_models\_to\_db.' AND NOT EXISTS (SELECT FROM models) THEN
        DROP TABLE models;
        RETURN;
    END IF;
    ALTER TABLE models
        ALTER COLUMN model_binary SET STORAGE EXTENDED,
        DROP CONSTRAINT models_stored_sha256_matches,
        DROP CONSTRAINT models_content_sha256_length,
        DROP CONSTRAINT models_format_known,
        DROP CONSTRAINT models_encoding_known,
        DROP CONSTRAINT models_chunk_count_not_negative,
        DROP COLUMN content_sha256,
        DROP COLUMN raw_bytes,
        DROP COLUMN stored_sha256,
        DROP COLUMN stored_bytes,
        DROP COLUMN format,
        DROP COLUMN encoding,
        DROP COLUMN chunk_count,
        DROP COLUMN source_host,
        DROP COLUMN source_path,
        DROP COLUMN source_mtime,
        DROP COLUMN run_id;
    COMMENT ON COLUMN models.model_binary IS NULL;
END
$$;
