SELECT revision, down_revision, slug, message, checksum, downgrade_sql, state, done FROM :"ledger"
