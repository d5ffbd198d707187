-- The rows of a name, $1, or of all names when it is NULL, as far as their life goes. Times are microseconds since 1970.
SELECT name, version::integer, coalesce(is_active, false),
       CASE WHEN created_at OPERATOR(pg_catalog.>) '4000-01-01 BC' AND created_at OPERATOR(pg_catalog.<) '290000-01-01'
            THEN (extract(epoch FROM created_at::timestamptz) OPERATOR(pg_catalog.*) 1000000)::bigint END,
       source_host, source_path, run_id::text, pg_catalog.encode(content_sha256, 'hex'), model_type, event
  FROM models
 WHERE name IS NOT NULL AND version OPERATOR(pg_catalog.>=) 0 AND version OPERATOR(pg_catalog.<=) 2147483647
       AND ($1::text IS NULL OR name OPERATOR(pg_catalog.=) $1::text)
 ORDER BY name COLLATE pg_catalog."C", version
