-- Keeps the digest of a row of another program, which records none. ?1 = the number of the row,
-- ?2 = the digest of its payload.
INSERT OR REPLACE INTO model_digests (model_id, sha256) VALUES (?1, ?2)
