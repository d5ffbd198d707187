-- One chunk. ?1 = upload_id, ?2 = seq.
SELECT id, sha256 FROM upload_chunks WHERE upload_id = ?1 AND seq = ?2
