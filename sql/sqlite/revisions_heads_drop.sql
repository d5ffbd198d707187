DELETE FROM :"ledger" WHERE version_num = $1 RETURNING version_num
