-- The record of a name, $1, or of all names when it is NULL, from the first change to the last.
SELECT event_id, (extract(epoch FROM at) OPERATOR(pg_catalog.*) 1000000)::bigint, change_id::text, action, name, version, was_live, now_live, actor,
       source_host, source_path, reason, detail::text
  FROM model_events
 WHERE $1::text IS NULL OR name OPERATOR(pg_catalog.=) $1::text
 ORDER BY event_id
