-- ?1 = upload_id, ?2 = seq, ?3 = its SHA-256, ?4 = the chunk.
INSERT INTO upload_chunks (upload_id, seq, sha256, data) VALUES (?1, ?2, ?3, ?4)
