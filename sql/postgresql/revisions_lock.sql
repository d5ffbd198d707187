-- One migration at a time in one database. The number is "migrate_" in ASCII. Ends with the transaction.
SELECT pg_catalog.pg_advisory_xact_lock(7883946363647714655)
