SELECT revision, checksum FROM :"ledger" ORDER BY applied_at, revision
