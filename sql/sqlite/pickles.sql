-- Names whose rows may be loaded with pickle.loads: the format is pickle, or another program wrote the row, whose payload is then still to be looked
-- at: in model_payloads, with this id. The view has the formats of every revision.
SELECT name, run_id IS NULL, id
  FROM models
 WHERE format = 'pickle' OR (run_id IS NULL AND chunk_count = 0)
