-- One row for each revision that this program applied: what it was, and the way back.
CREATE TABLE IF NOT EXISTS :"ledger" (
    revision VARCHAR(32) PRIMARY KEY NOT NULL,
    down_revision TEXT NOT NULL,
    slug TEXT NOT NULL,
    message TEXT NOT NULL,
    checksum TEXT NOT NULL,
    downgrade_sql TEXT,
    state TEXT NOT NULL,
    done INTEGER NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    program_version TEXT NOT NULL,
    ms INTEGER NOT NULL
)
