-- :"ledger" is the table of revisions, here and in the other files of this name.
CREATE TABLE IF NOT EXISTS :"ledger" (
    revision TEXT PRIMARY KEY NOT NULL,
    slug TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now'))
)
