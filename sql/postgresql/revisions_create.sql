-- :"ledger" is the table of revisions, here and in the other files of this name: psql -v ledger=migrate_models_revisions
CREATE TABLE IF NOT EXISTS :"ledger" (
    revision text PRIMARY KEY,
    slug text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user
)
