-- Is each payload what its row says, and does the server promise to keep it? $1 = names, text[]; $2 = versions, integer[]; $3 and $4 = the
-- content_sha256 and stored_sha256 that it must record, in hex, text[]; NULL = any. Answers for each key, in their order:
-- health  0 intact, 1 damaged, 2 no digest recorded, 3 no such row, or another content
-- chunks  how many there are still to be hashed (verify_chunks.sql); 0 = none
-- doubt   0 none, 1 in recovery, 2 fsync is off, 3 full_page_writes is off, 4 the row's table is not logged, 5 that of chunks is not
-- It is asked of the table that the row is in, which may be one that inherits from `models`.
SELECT (key.ord OPERATOR(pg_catalog.-) 1)::integer,
       CASE WHEN m.name IS NULL OR NOT coalesce(m.content_sha256 OPERATOR(pg_catalog.=) pg_catalog.decode(key.content, 'hex'), key.content IS NULL)
                 OR NOT coalesce(m.stored_sha256 OPERATOR(pg_catalog.=) pg_catalog.decode(key.stored, 'hex'), key.stored IS NULL) THEN 3
            WHEN m.stored_sha256 IS NULL THEN 2
            WHEN m.chunk_count OPERATOR(pg_catalog.=) 0
            THEN coalesce((pg_catalog.sha256(m.model_binary) OPERATOR(pg_catalog.<>) m.stored_sha256
                         OR pg_catalog.octet_length(m.model_binary) OPERATOR(pg_catalog.<>) coalesce(m.stored_bytes, pg_catalog.octet_length(m.model_binary)))::integer, 1)
            ELSE coalesce(chunks.is_damaged::integer, 1)
       END,
       coalesce(m.chunk_count, 0),
       CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1
            WHEN pg_catalog.current_setting('fsync') OPERATOR(pg_catalog.=) 'off' THEN 2
            WHEN pg_catalog.current_setting('full_page_writes') OPERATOR(pg_catalog.=) 'off' THEN 3
            WHEN t.relpersistence OPERATOR(pg_catalog.<>) 'p' THEN 4
            WHEN chunks.is_unlogged THEN 5
            WHEN EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass('model_chunks')::oid
                                                               AND relpersistence OPERATOR(pg_catalog.<>) 'p') THEN 5
            ELSE 0
       END
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]))
       WITH ORDINALITY AS key (name, version, content, stored, ord)
  LEFT JOIN models m ON m.name OPERATOR(pg_catalog.=) key.name AND m.version OPERATOR(pg_catalog.=) key.version
  LEFT JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) m.tableoid
  LEFT JOIN LATERAL (
       SELECT pg_catalog.count(*) OPERATOR(pg_catalog.<>) m.chunk_count OR coalesce(pg_catalog.min(c.seq), -1) OPERATOR(pg_catalog.<>) 0
              OR pg_catalog.max(c.seq) OPERATOR(pg_catalog.<>) (m.chunk_count OPERATOR(pg_catalog.-) 1)
              OR pg_catalog.sum(pg_catalog.octet_length(c.data)) OPERATOR(pg_catalog.<>) m.stored_bytes AS is_damaged,
              pg_catalog.bool_or(k.relpersistence OPERATOR(pg_catalog.<>) 'p') AS is_unlogged
         FROM model_chunks c
         JOIN pg_catalog.pg_class k ON k.oid OPERATOR(pg_catalog.=) c.tableoid
        WHERE c.name OPERATOR(pg_catalog.=) m.name AND c.version OPERATOR(pg_catalog.=) m.version) AS chunks
    ON m.chunk_count OPERATOR(pg_catalog.>) 0
