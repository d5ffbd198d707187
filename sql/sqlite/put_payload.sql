-- ?1 = the number of the row, ?2 = the payload.
INSERT OR REPLACE INTO model_payloads (model_id, data) VALUES (?1, ?2)
