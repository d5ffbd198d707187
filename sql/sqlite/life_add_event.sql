-- One line of the record. A file has no users: the actor is who says so.
INSERT INTO model_events (change_id, action, name, version, was_live, now_live, actor, source_host, source_path, reason, detail)
VALUES ($1, $2, $3, CAST($4 AS INTEGER), CAST($5 AS INTEGER), CAST($6 AS INTEGER), $7, $8, $9, $10, $11)
