DELETE FROM :"ledger" WHERE revision = $1
