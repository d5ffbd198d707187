-- It will have no row: whoever made it cannot end it any more. ?1 = upload_id.
UPDATE model_uploads SET pid = 0 WHERE upload_id = ?1
