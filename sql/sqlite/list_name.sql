-- list.sql for one name. ?1 = the name, ?2 = the only version, NULL = all.
SELECT r.name, r.version, r.model_type, r.event, coalesce(r.is_active, 0), r.content_sha256, r.stored_sha256, r.raw_bytes,
       coalesce(r.stored_bytes, (SELECT length(p.data) FROM model_payloads p WHERE p.model_id = r.id)),
       coalesce(r.other_format, r.format), r.encoding, r.chunk_count, r.source_host, r.source_path, r.source_mtime, r.created_at, r.run_id, r.members_sha256
  FROM model_rows r
 WHERE r.name = ?1 AND r.version >= coalesce(?2, 0) AND r.version <= coalesce(?2, 2147483647)
 ORDER BY r.version
