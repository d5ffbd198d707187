-- Does the file hold a row, or has a run begun to store one?
SELECT EXISTS (SELECT 1 FROM model_rows) OR EXISTS (SELECT 1 FROM model_runs)
