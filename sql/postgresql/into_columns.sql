-- The table $1 (quoted) of somebody else: its kind, the types of its columns $2 and $3, and whether it has updated_at. NULL = not there.
SELECT t.relkind,
       (SELECT pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
         WHERE a.attrelid OPERATOR(pg_catalog.=) t.oid AND a.attname OPERATOR(pg_catalog.=) $2::name AND NOT a.attisdropped),
       (SELECT pg_catalog.format_type(a.atttypid, NULL) FROM pg_catalog.pg_attribute a
         WHERE a.attrelid OPERATOR(pg_catalog.=) t.oid AND a.attname OPERATOR(pg_catalog.=) $3::name AND NOT a.attisdropped),
       EXISTS (SELECT FROM pg_catalog.pg_attribute a
                WHERE a.attrelid OPERATOR(pg_catalog.=) t.oid AND a.attname OPERATOR(pg_catalog.=) 'updated_at'::name AND NOT a.attisdropped
                      AND pg_catalog.format_type(a.atttypid, NULL) OPERATOR(pg_catalog.~~) 'timestamp%')
  FROM (SELECT pg_catalog.to_regclass($1)::oid AS oid) AS named
  LEFT JOIN pg_catalog.pg_class t ON t.oid OPERATOR(pg_catalog.=) named.oid
