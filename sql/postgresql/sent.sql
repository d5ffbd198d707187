-- How many rows of a batch are there as they were sent? $1 = names, text[]; $2 = versions, integer[]; $3 and $4 = content_sha256 and
-- stored_sha256 in hex, text[].
SELECT count(*)
  FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[]) AS key (name, version, content, stored)
  JOIN models m ON m.name = key.name AND m.version = key.version
 WHERE m.content_sha256 = decode(key.content, 'hex') AND m.stored_sha256 = decode(key.stored, 'hex')
