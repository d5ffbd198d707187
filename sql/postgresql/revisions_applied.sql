SELECT revision, checksum FROM migrate_models_revisions ORDER BY applied_at, revision
