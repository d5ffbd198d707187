UPDATE :"ledger" SET checksum = $2 WHERE revision = $1
