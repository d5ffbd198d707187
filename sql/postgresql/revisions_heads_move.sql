-- $1 becomes $2. No row: somebody else has moved it.
UPDATE :"ledger" SET version_num = $2 WHERE version_num OPERATOR(pg_catalog.=) $1 RETURNING version_num
