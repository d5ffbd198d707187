-- revision: 0001
-- down_revision: none
-- Makes the tables of migrate_models_to_db in an SQLite file. Readable by SQLite 3.26 and later: no STRICT, no generated columns.
-- `models` is a view that reads and writes like the table of that name in PostgreSQL. Payloads are in a table of their own, so that a change of
-- a row does not write its payload again, and a list of rows does not read it.

-- upgrade
PRAGMA application_id = 0x4D4D4442;

CREATE TABLE model_rows (
    id INTEGER PRIMARY KEY,
    name VARCHAR(255) NOT NULL CHECK (typeof(name) = 'text' AND length(name) <= 255),
    version INTEGER NOT NULL CHECK (typeof(version) = 'integer' AND version BETWEEN -2147483648 AND 2147483647),
    model_type VARCHAR(50) NOT NULL CHECK (typeof(model_type) = 'text' AND length(model_type) <= 50),
    event VARCHAR(255) NOT NULL CHECK (typeof(event) = 'text' AND length(event) <= 255),
    created_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')), -- UTC
    is_active BOOLEAN DEFAULT 1 CHECK (is_active IN (0, 1)),
    content_sha256 BLOB CHECK (typeof(content_sha256) = 'null' OR typeof(content_sha256) = 'blob' AND length(content_sha256) = 32),
    raw_bytes INTEGER CHECK (typeof(raw_bytes) IN ('null', 'integer')),
    stored_sha256 BLOB CHECK (typeof(stored_sha256) = 'null' OR typeof(stored_sha256) = 'blob' AND length(stored_sha256) = 32),
    stored_bytes INTEGER CHECK (typeof(stored_bytes) IN ('null', 'integer')),
    format TEXT CHECK (format IN ('file', 'tar')),
    encoding TEXT CHECK (encoding IN ('gzip', 'identity')),
    chunk_count INTEGER NOT NULL DEFAULT 0 CHECK (typeof(chunk_count) = 'integer' AND chunk_count >= 0),
    source_host TEXT,
    source_path TEXT,
    source_mtime TIMESTAMP, -- UTC
    run_id TEXT,
    members_sha256 BLOB CHECK (typeof(members_sha256) = 'null' OR typeof(members_sha256) = 'blob' AND length(members_sha256) = 32),
    upload_id INTEGER, -- of its chunks, when chunk_count > 0
    UNIQUE (name, version)
);

CREATE TABLE model_payloads (
    model_id INTEGER PRIMARY KEY REFERENCES model_rows (id) ON DELETE CASCADE,
    data BLOB NOT NULL CHECK (typeof(data) = 'blob')
);

-- Chunks come first, each in a transaction of its own; the row that names their upload makes them visible. An upload without a row belongs to
-- a run that is under way, or that was killed: a later run removes it.
CREATE TABLE model_uploads (
    upload_id INTEGER PRIMARY KEY,
    run_id TEXT,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now'))
);

CREATE TABLE upload_chunks (
    id INTEGER PRIMARY KEY,
    upload_id INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (typeof(seq) = 'integer' AND seq >= 0),
    sha256 BLOB NOT NULL CHECK (typeof(sha256) = 'blob' AND length(sha256) = 32),
    data BLOB NOT NULL CHECK (typeof(data) = 'blob'),
    UNIQUE (upload_id, seq)
);

-- Also where foreign keys are off, as they are in most programs.
CREATE TRIGGER model_rows_delete AFTER DELETE ON model_rows BEGIN
    DELETE FROM model_payloads WHERE model_id = old.id;
    DELETE FROM upload_chunks WHERE upload_id = old.upload_id;
END;

CREATE VIEW models AS
    SELECT r.id, r.name, r.version, r.model_type, r.event,
           CASE WHEN r.chunk_count = 0 THEN p.data ELSE x'' END AS model_binary,
           r.created_at, r.is_active, r.content_sha256, r.raw_bytes, r.stored_sha256, r.stored_bytes, r.format, r.encoding, r.chunk_count,
           r.source_host, r.source_path, r.source_mtime, r.run_id, r.members_sha256
      FROM model_rows r LEFT JOIN model_payloads p ON p.model_id = r.id;

CREATE TRIGGER models_insert INSTEAD OF INSERT ON models BEGIN
    INSERT INTO model_rows (id, name, version, model_type, event, created_at, is_active, content_sha256, raw_bytes, stored_sha256, stored_bytes,
                            format, encoding, chunk_count, source_host, source_path, source_mtime, run_id, members_sha256)
    VALUES (new.id, new.name, new.version, new.model_type, new.event, coalesce(new.created_at, strftime('%Y-%m-%d %H:%M:%f000', 'now')),
            coalesce(new.is_active, 1), new.content_sha256, new.raw_bytes, new.stored_sha256, new.stored_bytes, new.format, new.encoding,
            coalesce(new.chunk_count, 0), new.source_host, new.source_path, new.source_mtime, new.run_id, new.members_sha256);
    INSERT OR REPLACE INTO model_payloads (model_id, data)
    SELECT id, new.model_binary FROM model_rows WHERE name = new.name AND version = new.version;
END;

-- Another payload without another digest is the payload of a program that knows no digests: the row is then one that records none.
CREATE TRIGGER models_update INSTEAD OF UPDATE ON models BEGIN
    UPDATE model_rows
       SET id = new.id, name = new.name, version = new.version, model_type = new.model_type, event = new.event, created_at = new.created_at,
           is_active = new.is_active, content_sha256 = new.content_sha256, raw_bytes = new.raw_bytes, stored_sha256 = new.stored_sha256,
           stored_bytes = new.stored_bytes, format = new.format, encoding = new.encoding, chunk_count = new.chunk_count,
           source_host = new.source_host, source_path = new.source_path, source_mtime = new.source_mtime, run_id = new.run_id,
           members_sha256 = new.members_sha256
     WHERE id = old.id;
    UPDATE model_payloads SET model_id = new.id WHERE model_id = old.id AND new.id <> old.id;
    UPDATE model_rows
       SET content_sha256 = NULL, raw_bytes = NULL, stored_sha256 = NULL, stored_bytes = NULL, format = NULL, encoding = NULL, members_sha256 = NULL
     WHERE id = new.id AND new.model_binary IS NOT old.model_binary AND new.stored_sha256 IS old.stored_sha256;
    DELETE FROM upload_chunks
     WHERE new.model_binary IS NOT old.model_binary AND upload_id = (SELECT upload_id FROM model_rows WHERE id = new.id);
    UPDATE model_rows SET chunk_count = 0, upload_id = NULL WHERE id = new.id AND new.model_binary IS NOT old.model_binary;
    INSERT OR REPLACE INTO model_payloads (model_id, data) SELECT new.id, new.model_binary WHERE new.model_binary IS NOT old.model_binary;
END;

CREATE TRIGGER models_delete INSTEAD OF DELETE ON models BEGIN
    DELETE FROM model_rows WHERE id = old.id;
END;

-- The chunks of the payloads that are too large for one value, as PostgreSQL has them. Joined in order they are the payload.
CREATE VIEW model_chunks AS
    SELECT r.name, r.version, c.seq, c.data, c.sha256
      FROM model_rows r JOIN upload_chunks c ON c.upload_id = r.upload_id
     WHERE r.chunk_count > 0;

CREATE TABLE model_runs (
    run_id TEXT PRIMARY KEY NOT NULL,
    host TEXT NOT NULL,
    user_name TEXT NOT NULL,
    models_dir TEXT NOT NULL,
    program_version TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    finished_at TIMESTAMP,
    new_count INTEGER,
    unchanged_count INTEGER,
    conflict_count INTEGER,
    failed_count INTEGER,
    raw_bytes INTEGER,
    stored_bytes INTEGER,
    exit_code INTEGER
);

CREATE VIEW model_catalog AS
    SELECT id, name, version, model_type, event, created_at, is_active, format, encoding, raw_bytes, stored_bytes, chunk_count,
           lower(hex(content_sha256)) AS content_sha256, lower(hex(stored_sha256)) AS stored_sha256, source_host, source_path, source_mtime, run_id
      FROM model_rows;

CREATE VIEW latest_models AS
    SELECT m.* FROM models m
     WHERE m.is_active AND m.version = (SELECT max(r.version) FROM model_rows r WHERE r.name = m.name AND r.is_active);

PRAGMA user_version = 1;

-- downgrade
-- Nothing is left: a file of SQLite has no `models` that somebody else made.
DROP VIEW latest_models;
DROP VIEW model_catalog;
DROP VIEW model_chunks;
DROP VIEW models;
DROP TABLE model_runs;
DROP TABLE upload_chunks;
DROP TABLE model_uploads;
DROP TABLE model_payloads;
DROP TABLE model_rows;
PRAGMA user_version = 0;
