-- ?1 = the revision to apply, ?2 = the one before it, NULL for the first.
SELECT EXISTS (SELECT 1 FROM :"ledger" WHERE revision = ?1),
       ?2 IS NULL OR EXISTS (SELECT 1 FROM :"ledger" WHERE revision = ?2)
