-- Is each payload what its row says? $1 = names, text[]; $2 = versions, integer[]. 0 intact, 1 damaged, 2 no digest recorded, 3 no such row.
SELECT (key.ord OPERATOR(pg_catalog.-) 1)::integer,
       CASE WHEN m.name IS NULL THEN 3
            WHEN m.stored_sha256 IS NULL THEN 2
            WHEN m.chunk_count OPERATOR(pg_catalog.=) 0
            THEN coalesce((pg_catalog.sha256(m.model_binary) OPERATOR(pg_catalog.<>) m.stored_sha256
                         OR pg_catalog.octet_length(m.model_binary) OPERATOR(pg_catalog.<>) coalesce(m.stored_bytes, pg_catalog.octet_length(m.model_binary)))::integer, 1)
            ELSE coalesce((SELECT pg_catalog.count(*) OPERATOR(pg_catalog.<>) m.chunk_count OR coalesce(pg_catalog.min(c.seq), -1) OPERATOR(pg_catalog.<>) 0
                         OR pg_catalog.max(c.seq) OPERATOR(pg_catalog.<>) (m.chunk_count OPERATOR(pg_catalog.-) 1)
                         OR pg_catalog.sum(pg_catalog.octet_length(c.data)) OPERATOR(pg_catalog.<>) m.stored_bytes
                         OR NOT pg_catalog.bool_and(coalesce(pg_catalog.sha256(c.data) OPERATOR(pg_catalog.=) c.sha256, false))
                    FROM model_chunks c
                   WHERE c.name OPERATOR(pg_catalog.=) m.name AND c.version OPERATOR(pg_catalog.=) m.version)::integer, 1)
       END
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[])) WITH ORDINALITY AS key (name, version, ord)
  LEFT JOIN models m ON m.name OPERATOR(pg_catalog.=) key.name AND m.version OPERATOR(pg_catalog.=) key.version
