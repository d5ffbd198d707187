-- The order of the columns is that of add_model in src/store/postgres/put.c; the payload is last, so that it can be sent in pieces.
COPY models (name, version, model_type, event, is_active, content_sha256, raw_bytes, stored_sha256, stored_bytes, format, encoding,
             chunk_count, source_host, source_path, source_mtime, run_id, members_sha256, model_binary)
FROM STDIN (FORMAT binary)
