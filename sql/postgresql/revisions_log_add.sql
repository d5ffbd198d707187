INSERT INTO :"ledger" (revision, down_revision, slug, message, checksum, downgrade_sql, state, done, program_version, ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::integer, $9, $10::bigint)
