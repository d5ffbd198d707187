-- $1 = the number of a lock, bigint. Is it ours now, until the end of the transaction? A lock that waits in the server would have CREATE INDEX
-- CONCURRENTLY of another session wait for it, and a session lock would leak through a pooler.
SELECT pg_catalog.pg_try_advisory_xact_lock($1::bigint)
