INSERT INTO model_runs (run_id, host, user_name, models_dir, program_version, finished_at, new_count, unchanged_count, conflict_count,
                        failed_count, raw_bytes, stored_bytes, exit_code)
VALUES (?1, ?2, ?3, ?4, ?5, strftime('%Y-%m-%d %H:%M:%f000', 'now'), ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT (run_id) DO UPDATE
   SET finished_at = excluded.finished_at, new_count = excluded.new_count, unchanged_count = excluded.unchanged_count,
       conflict_count = excluded.conflict_count, failed_count = excluded.failed_count, raw_bytes = excluded.raw_bytes,
       stored_bytes = excluded.stored_bytes, exit_code = excluded.exit_code
