INSERT INTO :"ledger" (revision, slug, checksum) VALUES (?1, ?2, ?3)
