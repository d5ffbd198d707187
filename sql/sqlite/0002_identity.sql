-- revision: 0002
-- down_revision: 0001
-- Gives the store an identifier, and rows of other programs a place where their digests are kept.

-- upgrade
-- Plans of clean-up, journals and backups name the store by it, wherever the file lies.
CREATE TABLE store_identity (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    store_id TEXT NOT NULL
);
INSERT INTO store_identity (only_row, store_id)
SELECT 1, substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' || substr(h, 14, 3) || '-a' || substr(h, 18, 3) || '-' || substr(h, 21, 12)
  FROM (SELECT lower(hex(randomblob(16))) AS h);

-- A digest is good as long as the payload is the same: whoever changes or removes it removes the digest.
CREATE TABLE model_digests (
    model_id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL CHECK (typeof(sha256) = 'blob' AND length(sha256) = 32)
);
CREATE TRIGGER model_payloads_insert AFTER INSERT ON model_payloads BEGIN
    DELETE FROM model_digests WHERE model_id = new.model_id;
END;
CREATE TRIGGER model_payloads_update AFTER UPDATE ON model_payloads BEGIN
    DELETE FROM model_digests WHERE model_id IN (old.model_id, new.model_id);
END;
CREATE TRIGGER model_payloads_delete AFTER DELETE ON model_payloads BEGIN
    DELETE FROM model_digests WHERE model_id = old.model_id;
END;
PRAGMA user_version = 2;

-- downgrade
DROP TRIGGER model_payloads_delete;
DROP TRIGGER model_payloads_update;
DROP TRIGGER model_payloads_insert;
DROP TABLE model_digests;
DROP TABLE store_identity;
PRAGMA user_version = 1;
