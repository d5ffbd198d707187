-- A row; its payload follows. Without a time it is of this moment. The order of the values is that of bind_row in src/store/sqlite/put.c.
INSERT INTO model_rows (name, version, model_type, event, is_active, content_sha256, raw_bytes, stored_sha256, stored_bytes, format, encoding,
                        chunk_count, source_host, source_path, source_mtime, run_id, members_sha256, upload_id,
                        created_at, other_format)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE ?10 WHEN 'pickle' THEN 'file' ELSE ?10 END, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
        coalesce(?19, strftime('%Y-%m-%d %H:%M:%f000', 'now')), CASE ?10 WHEN 'pickle' THEN ?10 END)
