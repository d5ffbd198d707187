-- Rows that list.sql, catalog.sql and find.sql pass by. $1 = a name; NULL = all. $2 = give all rows: their names may be no UTF-8, which the client
-- looks at, boolean.
SELECT pg_catalog.concat_ws(' ', 'id', id::text), name, version::text, coalesce(is_active, false)
  FROM models
 WHERE ($1::text IS NULL OR name OPERATOR(pg_catalog.=) $1::text)
       AND (name IS NULL OR version IS NULL OR version OPERATOR(pg_catalog.<) 0 OR version OPERATOR(pg_catalog.>) 2147483647 OR $2::boolean)
