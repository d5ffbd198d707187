-- Notes digests that were worked out. $1 = names, text[]; $2 = versions, integer[]; $3 = marks, text[]; $4 = digests in hex, text[].
INSERT INTO model_digests (name, version, row_mark, sha256)
SELECT key.name, key.version, key.mark, pg_catalog.decode(key.hex, 'hex')
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::integer[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]))
       AS key (name, version, mark, hex)
    ON CONFLICT (name, version) DO UPDATE SET row_mark = excluded.row_mark, sha256 = excluded.sha256
