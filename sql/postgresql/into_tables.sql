-- Tables of somebody else's that hold models, one a row, in a column model_data, as one text; NULL = none.
SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
 WHERE c.relname OPERATOR(pg_catalog.=) 'result_versions'::name AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::"char"[])
       AND a.attname OPERATOR(pg_catalog.=) 'model_data'::name AND NOT a.attisdropped
       AND pg_catalog.format_type(a.atttypid, NULL) OPERATOR(pg_catalog.=) 'bytea'
