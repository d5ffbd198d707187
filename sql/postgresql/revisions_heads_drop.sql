DELETE FROM :"ledger" WHERE version_num OPERATOR(pg_catalog.=) $1 RETURNING version_num
