INSERT INTO :"ledger" (version_num) VALUES ($1) RETURNING version_num
