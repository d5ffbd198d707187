-- ?1 = upload_id, ?2 = run_id, ?3 = host, ?4 = process.
INSERT INTO model_uploads (upload_id, run_id, host, pid) VALUES (?1, ?2, ?3, ?4)
