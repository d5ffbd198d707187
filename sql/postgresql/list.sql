-- Rows without their payload, by name in byte order and version. $1 = names, text[]; NULL = all. $2 = the only
-- version, integer; NULL = all. Times are microseconds since 1970; of those that
-- 64 bits cannot count, and of the infinite ones, nothing.
SELECT name, version::integer, model_type, event, coalesce(is_active, false), content_sha256, stored_sha256, raw_bytes,
       coalesce(stored_bytes, pg_catalog.octet_length(model_binary))::bigint, format,
       coalesce(encoding, 'identity') OPERATOR(pg_catalog.=) 'gzip', chunk_count, source_host, source_path,
       CASE WHEN source_mtime OPERATOR(pg_catalog.>) '4000-01-01 BC' AND source_mtime OPERATOR(pg_catalog.<) '290000-01-01'
            THEN (extract(epoch FROM source_mtime) OPERATOR(pg_catalog.*) 1000000)::bigint END,
       CASE WHEN created_at OPERATOR(pg_catalog.>) '4000-01-01 BC' AND created_at OPERATOR(pg_catalog.<) '290000-01-01'
            THEN (extract(epoch FROM created_at::timestamptz) OPERATOR(pg_catalog.*) 1000000)::bigint END, run_id::text,
       members_sha256
  FROM models
 WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
       AND ($1::text[] IS NULL OR name OPERATOR(pg_catalog.=) ANY ($1::text[])) AND ($2::integer IS NULL OR version OPERATOR(pg_catalog.=) $2::integer)
 ORDER BY name COLLATE pg_catalog."C", version
