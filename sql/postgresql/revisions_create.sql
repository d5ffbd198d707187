CREATE TABLE IF NOT EXISTS migrate_models_revisions (
    revision text PRIMARY KEY,
    slug text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text NOT NULL DEFAULT session_user
)
