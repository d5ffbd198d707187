-- The row that names it is there, or all of its chunks are gone. ?1 = upload_id, ?2 = its process, 0 for one that was taken away.
DELETE FROM model_uploads WHERE upload_id = ?1 AND pid = ?2
