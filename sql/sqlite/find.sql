-- All versions of one name, as catalog.sql has them; then the row's number, and its digest as it was worked out earlier. ?1 = the name.
SELECT r.name, r.version, r.content_sha256, r.run_id, r.format, r.members_sha256, r.source_path, r.id, d.sha256
  FROM model_rows r LEFT JOIN model_digests d ON d.model_id = r.id
 WHERE r.name = ?1 AND r.version >= 0
 ORDER BY r.version
