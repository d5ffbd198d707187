-- Is each payload what its row says? $1 = names, text[]; $2 = versions, integer[]. 0 intact, 1 damaged, 2 no digest recorded, 3 no such row.
SELECT (key.ord - 1)::integer,
       CASE WHEN m.name IS NULL THEN 3
            WHEN m.stored_sha256 IS NULL THEN 2
            WHEN m.chunk_count = 0
            THEN coalesce((sha256(m.model_binary) <> m.stored_sha256 OR octet_length(m.model_binary) <> coalesce(m.stored_bytes, octet_length(m.model_binary)))::integer, 1)
            ELSE coalesce((SELECT count(*) <> m.chunk_count OR coalesce(min(c.seq), -1) <> 0 OR max(c.seq) <> m.chunk_count - 1
                         OR sum(octet_length(c.data)) <> m.stored_bytes OR NOT bool_and(coalesce(sha256(c.data) = c.sha256, false))
                    FROM model_chunks c
                   WHERE c.name = m.name AND c.version = m.version)::integer, 1)
       END
  FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS key (name, version, ord)
  LEFT JOIN models m ON m.name = key.name AND m.version = key.version
