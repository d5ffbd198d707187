-- Some chunks of an upload that has no row. ?1 = upload_id.
DELETE FROM upload_chunks WHERE id IN (SELECT id FROM upload_chunks WHERE upload_id = ?1 LIMIT 16)
