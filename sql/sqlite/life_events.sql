-- The record of a name, $1, or of all names when it is NULL, from the first change to the last.
SELECT event_id, CAST(strftime('%s', at) AS INTEGER) * 1000000 + CAST(substr(substr(at, 21) || '000000', 1, 6) AS INTEGER), change_id, action, name,
       version, was_live, now_live, actor, source_host, source_path, reason, detail
  FROM model_events
 WHERE $1 IS NULL OR name = $1
 ORDER BY event_id
