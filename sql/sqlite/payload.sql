-- Where the payload of a row is, and what the row says of it. ?1 = name, ?2 = version.
SELECT r.id, r.chunk_count, r.upload_id, r.stored_bytes, r.content_sha256, r.stored_sha256
  FROM model_rows r
 WHERE r.name = ?1 AND r.version = ?2
