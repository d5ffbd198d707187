-- How many chunks an upload has. ?1 = upload_id.
SELECT count(*) FROM upload_chunks WHERE upload_id = ?1
