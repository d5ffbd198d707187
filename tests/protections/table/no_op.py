"""5: an unchanged tree is a no-op; a dry run writes nothing."""

from protection import P

ROWS = [
    P("unchanged-is-not-read", 5, "src/flow/run/compare.c",
      "if (stamp_is(&model->stamp, &record->stamp, STAMP_ANY_DEVICE) && record->is_directory",
      "if (false && record->is_directory",
      "cli/test_resync.NoOp.test_unchanged_tree_opens_no_model_file", "the journal spares the reading"),
    P("no-backup-of-nothing", 5, "src/backup/backup.c", "ok = manifest.count == 0 || backup_manifest_write(", "ok = backup_manifest_write(",
      "cli/test_resync.NoOp.test_unchanged_tree_stores_nothing", "a run that stored nothing leaves no folder"),
    P("no-row-of-nothing", 5, "src/flow/run/worker.c",
      "    worker->packer = packer_new(&pack, err);\n",
      "    store_run_begin(worker->store, &run->record, err);\n"
      "    worker->packer = packer_new(&pack, err);\n",
      "cli/test_resync.NoOp.test_checksum_opens_every_model_file", "a run that stored nothing has no row in model_runs"),
    P("dry-run-state", 5, "src/flow/run/run.c",
      "    if (settings->dry_run)\n"
      "        return true;\n"
      "    if (!meet_store_first(",
      "    if (!meet_store_first(",
      "cli/test_resync.DryRun.test_before_any_table_it_writes_nothing_anywhere", "not even state"),
    P("dry-run-upgrade", 5, "src/flow/run/run.c", "if (!run->settings->dry_run)\n        return schema_make_ready", "if (!run->settings->dry_run || run->settings->upgrade)\n        return schema_make_ready",
      "cli/test_resync.DryRun.test_before_any_table_it_writes_nothing_anywhere", "no tables"),
    P("dry-run-rows", 5, "src/flow/run/worker.c",
      "if (model->state == MODEL_NEW && !worker->run->settings->dry_run)\n"
      "        return batch_put",
      "if (model->state == MODEL_NEW)\n"
      "        return batch_put",
      "cli/test_resync.DryRun.test_of_changes_it_plans_what_the_run_then_does", "no rows"),
    P("dry-run-leftovers", 5, "src/flow/run/leftovers.c", "if (run->settings->dry_run || backup_finish_leftovers(", "if (backup_finish_leftovers(",
      "fault/test_kill.KillTest.test_dry_run_leaves_what_a_killed_run_left", "no recovery either"),
]
