-- May come twice, when the answer to the first was lost.
INSERT INTO model_runs (run_id, host, user_name, models_dir, program_version)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run_id) DO NOTHING
