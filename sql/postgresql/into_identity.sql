-- What the table $1 is called in plans and journals; $2 = the system identifier of the server.
SELECT pg_catalog.encode(pg_catalog.substring(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.concat_ws(' ', 'into', $2::text, d.oid::text, pg_catalog.to_regclass($1)::oid::text), 'UTF8')), 1, 16), 'hex')::uuid::text
  FROM pg_catalog.pg_database d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
