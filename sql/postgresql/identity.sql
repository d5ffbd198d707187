-- What this store is called in plans, journals and backups. $1 = the system identifier of the server. A copy in another database or on
-- another server has another name, whatever it was copied with; a promoted standby keeps it.
SELECT pg_catalog.encode(pg_catalog.substring(pg_catalog.sha256(pg_catalog.convert_to(
           pg_catalog.concat_ws(' ', i.store_id::text, $1::text, d.oid::text), 'UTF8')), 1, 16), 'hex')::uuid::text
  FROM store_identity i, pg_catalog.pg_database d
 WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
