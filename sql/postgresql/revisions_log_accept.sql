UPDATE :"ledger" SET checksum = $2 WHERE revision OPERATOR(pg_catalog.=) $1
