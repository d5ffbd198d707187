-- One row for each revision that this program applied: what it was, and the way back.
CREATE TABLE IF NOT EXISTS :"ledger" (
    revision varchar(32) PRIMARY KEY,
    down_revision text NOT NULL,
    slug text NOT NULL,
    message text NOT NULL,
    checksum text NOT NULL,
    downgrade_sql text,
    state text NOT NULL,
    done integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user,
    program_version text NOT NULL,
    ms bigint NOT NULL
)
