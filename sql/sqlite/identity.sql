-- What this store is called in plans, journals and backups.
SELECT store_id FROM store_identity
