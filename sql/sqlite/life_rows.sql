-- The rows of a name, $1, or of all names when it is NULL, as far as their life goes. Times are microseconds since 1970.
SELECT name, version, coalesce(is_active, 0),
       CAST(strftime('%s', created_at) AS INTEGER) * 1000000 + CAST(substr(substr(created_at, 21) || '000000', 1, 6) AS INTEGER),
       source_host, source_path, run_id, lower(hex(content_sha256)), model_type, event
  FROM model_rows
 WHERE version >= 0 AND ($1 IS NULL OR name = $1)
 ORDER BY name, version
