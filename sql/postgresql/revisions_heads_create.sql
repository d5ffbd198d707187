-- As other programs make it, so that they and this one can take turns.
CREATE TABLE IF NOT EXISTS :"ledger" (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
