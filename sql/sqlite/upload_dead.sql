-- Uploads of this host, whose processes can be asked for; those that somebody began to remove; and those that no run needs seven days for.
-- ?1 = host.
SELECT upload_id, host = ?1, pid FROM model_uploads
 WHERE host = ?1 OR pid = 0 OR started_at < strftime('%Y-%m-%d %H:%M:%f000', 'now', '-7 days')
