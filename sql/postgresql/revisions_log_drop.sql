DELETE FROM :"ledger" WHERE revision OPERATOR(pg_catalog.=) $1
