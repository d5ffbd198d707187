INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ($1, $2, $3)
