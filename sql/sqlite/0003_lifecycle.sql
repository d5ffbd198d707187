-- revision: 0003
-- down_revision: 0002
-- Gives rows a place for facts about their content, names a place for aliases, and changes of what is live a record. Allows the format pickle.

-- upgrade
-- The rule of the column `format` cannot be changed without writing all payloads anew, so what it does not allow is in a column beside it.
ALTER TABLE model_rows ADD COLUMN other_format TEXT CHECK (other_format = 'pickle'); -- then `format` is 'file'
ALTER TABLE model_rows ADD COLUMN facts TEXT; -- JSON

DROP VIEW models;
CREATE VIEW models AS
    SELECT r.id, r.name, r.version, r.model_type, r.event,
           CASE WHEN r.chunk_count = 0 THEN p.data ELSE x'' END AS model_binary,
           r.created_at, r.is_active, r.content_sha256, r.raw_bytes, r.stored_sha256, r.stored_bytes, coalesce(r.other_format, r.format) AS format,
           r.encoding, r.chunk_count, r.source_host, r.source_path, r.source_mtime, r.run_id, r.members_sha256, r.facts
      FROM model_rows r LEFT JOIN model_payloads p ON p.model_id = r.id;

CREATE TRIGGER models_insert INSTEAD OF INSERT ON models BEGIN
    INSERT INTO model_rows (id, name, version, model_type, event, created_at, is_active, content_sha256, raw_bytes, stored_sha256, stored_bytes,
                            format, other_format, encoding, chunk_count, source_host, source_path, source_mtime, run_id, members_sha256, facts)
    VALUES (new.id, new.name, new.version, new.model_type, new.event, coalesce(new.created_at, strftime('%Y-%m-%d %H:%M:%f000', 'now')),
            coalesce(new.is_active, 1), new.content_sha256, new.raw_bytes, new.stored_sha256, new.stored_bytes,
            CASE new.format WHEN 'pickle' THEN 'file' ELSE new.format END, CASE new.format WHEN 'pickle' THEN 'pickle' END, new.encoding,
            coalesce(new.chunk_count, 0), new.source_host, new.source_path, new.source_mtime, new.run_id, new.members_sha256, new.facts);
    INSERT OR REPLACE INTO model_payloads (model_id, data)
    SELECT id, new.model_binary FROM model_rows WHERE name = new.name AND version = new.version;
END;

-- Another payload without another digest is the payload of a program that knows no digests: the row is then one that records none.
CREATE TRIGGER models_update INSTEAD OF UPDATE ON models BEGIN
    UPDATE model_rows
       SET id = new.id, name = new.name, version = new.version, model_type = new.model_type, event = new.event, created_at = new.created_at,
           is_active = new.is_active, content_sha256 = new.content_sha256, raw_bytes = new.raw_bytes, stored_sha256 = new.stored_sha256,
           stored_bytes = new.stored_bytes, format = CASE new.format WHEN 'pickle' THEN 'file' ELSE new.format END,
           other_format = CASE new.format WHEN 'pickle' THEN 'pickle' END, encoding = new.encoding, chunk_count = new.chunk_count,
           source_host = new.source_host, source_path = new.source_path, source_mtime = new.source_mtime, run_id = new.run_id,
           members_sha256 = new.members_sha256, facts = new.facts
     WHERE id = old.id;
    UPDATE model_payloads SET model_id = new.id WHERE model_id = old.id AND new.id <> old.id;
    UPDATE model_rows
       SET content_sha256 = NULL, raw_bytes = NULL, stored_sha256 = NULL, stored_bytes = NULL, format = NULL, other_format = NULL, encoding = NULL,
           members_sha256 = NULL, facts = NULL
     WHERE id = new.id AND new.model_binary IS NOT old.model_binary AND new.stored_sha256 IS old.stored_sha256;
    DELETE FROM upload_chunks
     WHERE new.model_binary IS NOT old.model_binary AND upload_id = (SELECT upload_id FROM model_rows WHERE id = new.id);
    UPDATE model_rows SET chunk_count = 0, upload_id = NULL WHERE id = new.id AND new.model_binary IS NOT old.model_binary;
    INSERT OR REPLACE INTO model_payloads (model_id, data) SELECT new.id, new.model_binary WHERE new.model_binary IS NOT old.model_binary;
END;

CREATE TRIGGER models_delete INSTEAD OF DELETE ON models BEGIN
    DELETE FROM model_rows WHERE id = old.id;
END;

DROP VIEW model_catalog;
CREATE VIEW model_catalog AS
    SELECT id, name, version, model_type, event, created_at, is_active, coalesce(other_format, format) AS format, encoding, raw_bytes, stored_bytes,
           chunk_count, lower(hex(content_sha256)) AS content_sha256, lower(hex(stored_sha256)) AS stored_sha256, source_host, source_path,
           source_mtime, run_id, facts
      FROM model_rows;

CREATE TABLE model_aliases (
    name TEXT NOT NULL,
    alias TEXT NOT NULL CHECK (alias GLOB '[a-z]*' AND alias NOT GLOB '*[^a-z0-9_-]*' AND length(alias) <= 63),
    version INTEGER NOT NULL CHECK (typeof(version) = 'integer'),
    set_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')), -- UTC
    set_by TEXT NOT NULL,
    PRIMARY KEY (name, alias)
);

-- What a foreign key does in PostgreSQL: also where foreign keys are off, as they are in most programs.
CREATE TRIGGER model_aliases_insert BEFORE INSERT ON model_aliases
WHEN NOT EXISTS (SELECT 1 FROM model_rows WHERE name = new.name AND version = new.version) BEGIN
    SELECT RAISE(ABORT, 'an alias must name a version that is there');
END;
CREATE TRIGGER model_aliases_update BEFORE UPDATE ON model_aliases
WHEN NOT EXISTS (SELECT 1 FROM model_rows WHERE name = new.name AND version = new.version) BEGIN
    SELECT RAISE(ABORT, 'an alias must name a version that is there');
END;
CREATE TRIGGER model_rows_aliased BEFORE DELETE ON model_rows
WHEN EXISTS (SELECT 1 FROM model_aliases WHERE name = old.name AND version = old.version) BEGIN
    SELECT RAISE(ABORT, 'an alias names this version');
END;
CREATE TRIGGER model_rows_renamed AFTER UPDATE OF name, version ON model_rows
WHEN new.name <> old.name OR new.version <> old.version BEGIN
    UPDATE model_aliases SET name = new.name, version = new.version WHERE name = old.name AND version = old.version;
END;

-- A record outlives its row. Versions that were stored and went live by that have none: the row is the record.
CREATE TABLE model_events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')), -- UTC
    change_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('activate', 'deactivate', 'rollback', 'return', 'promote', 'withhold', 'release', 'alias', 'unalias', 'prune',
                                           'restore', 'copy')),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    was_live INTEGER,
    now_live INTEGER,
    actor TEXT NOT NULL,
    source_host TEXT,
    source_path TEXT,
    reason TEXT,
    detail TEXT -- JSON
);
CREATE INDEX model_events_name ON model_events (name, event_id);
PRAGMA user_version = 3;

-- downgrade
-- Rows of the format pickle have no place in the earlier tables: while there are any, the next statements fail.
CREATE TABLE rows_of_the_format_pickle (count INTEGER CHECK (count = 0));
INSERT INTO rows_of_the_format_pickle (count) SELECT count(*) FROM model_rows WHERE other_format IS NOT NULL;
DROP TABLE rows_of_the_format_pickle;
DROP TABLE model_events;
DROP TRIGGER model_rows_renamed;
DROP TRIGGER model_rows_aliased;
DROP TABLE model_aliases;
DROP VIEW latest_models;
DROP VIEW model_catalog;
DROP VIEW models;
ALTER TABLE model_rows DROP COLUMN facts;
ALTER TABLE model_rows DROP COLUMN other_format;
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

CREATE VIEW model_catalog AS
    SELECT id, name, version, model_type, event, created_at, is_active, format, encoding, raw_bytes, stored_bytes, chunk_count,
           lower(hex(content_sha256)) AS content_sha256, lower(hex(stored_sha256)) AS stored_sha256, source_host, source_path, source_mtime, run_id
      FROM model_rows;

CREATE VIEW latest_models AS
    SELECT m.* FROM models m
     WHERE m.is_active AND m.version = (SELECT max(r.version) FROM model_rows r WHERE r.name = m.name AND r.is_active);
PRAGMA user_version = 2;
