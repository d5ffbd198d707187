SELECT version_num FROM :"ledger" ORDER BY version_num
