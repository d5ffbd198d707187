-- Rows without their payload, by name in byte order and version. $1 = names, text[]; NULL = all. $2 = the only
-- version, integer; NULL = all. Times are microseconds since 1970.
SELECT name, version::integer, model_type, event, coalesce(is_active, false), content_sha256, stored_sha256, raw_bytes,
       coalesce(stored_bytes, octet_length(model_binary))::bigint, format = 'tar', coalesce(encoding, 'identity') = 'gzip',
       chunk_count, source_host, source_path, CASE WHEN isfinite(source_mtime) THEN (extract(epoch FROM source_mtime) * 1000000)::bigint END,
       CASE WHEN isfinite(created_at) THEN (extract(epoch FROM created_at::timestamptz) * 1000000)::bigint END, run_id::text
  FROM models
 WHERE version BETWEEN 0 AND 2147483647 AND ($1::text[] IS NULL OR name = ANY ($1::text[]))
       AND ($2::integer IS NULL OR version = $2::integer)
 ORDER BY name COLLATE "C", version
