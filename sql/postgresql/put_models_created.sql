-- put_models.sql for rows that say themselves when they were created.
COPY models (name, version, model_type, event, is_active, content_sha256, raw_bytes, stored_sha256, stored_bytes, format, encoding,
             chunk_count, source_host, source_path, source_mtime, run_id, members_sha256, created_at, model_binary)
FROM STDIN (FORMAT binary)
