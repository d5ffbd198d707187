-- One line of the record; the actor is who says so, and the user of the database.
INSERT INTO model_events (change_id, action, name, version, was_live, now_live, actor, source_host, source_path, reason, detail)
VALUES ($1::uuid, $2::text, $3::text, $4::integer, $5::integer, $6::integer, pg_catalog.concat($7::text, ' (', SESSION_USER, ')'), $8::text, $9::text,
        $10::text, $11::jsonb)
