-- $1 = the revision to apply, $2 = the one before it, NULL for the first.
SELECT EXISTS (SELECT FROM :"ledger" WHERE revision OPERATOR(pg_catalog.=) $1::text),
       $2::text IS NULL OR EXISTS (SELECT FROM :"ledger" WHERE revision OPERATOR(pg_catalog.=) $2::text)
