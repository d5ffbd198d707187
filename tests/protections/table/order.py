"""3: backup durable, COMMIT, journal durable, reported."""

from protection import P

ROWS = [
    P("backup-before-commit", 3, "src/flow/run/batch.c",
      "    if (worker->part != NULL && !backup_part_sync(worker->part, err))\n"
      "        return false;\n"
      "    if (!(worker->run->many_writers ? commit(worker, err) : commit_kept(worker, err)))\n"
      "        return false;\n",
      "    if (!(worker->run->many_writers ? commit(worker, err) : commit_kept(worker, err)))\n"
      "        return false;\n"
      "    if (worker->part != NULL && !backup_part_sync(worker->part, err))\n"
      "        return false;\n",
      "fault/test_kill.KillTest.test_order_of_every_batch", "a row of the store is in a backup, whenever the power goes"),
    P("backup-fdatasync", 3, "src/backup/backup.c", "fdatasync(file->fd) == 0 ||", "file->fd >= 0 ||",
      "fault/test_kill.KillTest.test_order_of_every_batch", "written is not durable"),
    P("backup-folder-fsync", 3, "src/backup/backup.c",
      "if (!part->names_synced && part->rows.path != NULL && !sync_names(part, &why))",
      "if (!part->names_synced && part->rows.path == NULL && !sync_names(part, &why))",
      "unit/backup/test_backup_faults:folders_are_synced_when_they_are_new", "a durable file without a durable name is lost"),
    P("journal-after-commit", 3, "src/flow/run/batch.c",
      "    if (!(worker->run->many_writers ? commit(worker, err) : commit_kept(worker, err)))\n",
      "    for (size_t i = 0; i < worker->batch.count; i++)\n"
      "        if (!item_list_add(&worker->seen, &worker->batch.items[i], err))\n"
      "            return false;\n"
      "    if (!batch_journal(worker, err) || !commit(worker, err))\n",
      "fault/test_kill.KillTest.test_order_of_every_batch", "the journal knows only what is stored"),
    P("journal-fdatasync", 3, "src/state/records.c", "if (fdatasync(file->fd) != 0) { /*", "if (file->fd < 0) { /*",
      "fault/test_kill.KillTest.test_order_of_every_batch", "the record is durable before the batch counts as done"),
    P("journal-name-fsync", 3, "src/state/records.c", "return fs_sync_parent(file->path, err);", "return true;",
      "unit/state/test_journal_durable:new_file_and_its_name", "the journal's own name is durable"),
    P("folder-name-fsync", 3, "src/base/file/fs.c",
      "    if (*made)\n"
      "        return fs_sync_parent(path, err);\n",
      "    if (*made)\n"
      "        return true;\n",
      "unit/base/test_fs_durable:names_of_folders", "the name of a new folder is durable"),
    P("replace-fsync", 3, "src/base/file/atomic_file.c", "if (fsync(file->fd) != 0)", "if (file->fd < 0)",
      "unit/base/test_atomic_file:durable", "a MANIFEST or a journal that has its name has its content"),
    P("replace-name-fsync", 3, "src/base/file/atomic_file.c", "return fs_sync_parent(file->path, err);", "return true;",
      "unit/base/test_atomic_file:durable", "the new name of a replaced file is durable"),
    P("replace-exclusive", 9, "src/base/file/atomic_file.c", "%016\" PRIx64 SUFFIX, (int)(name - path), path, NAME_SHOWN, name, id_random64())",
      "%016\" PRIx64 SUFFIX, (int)(name - path), path, NAME_SHOWN, name, (uint64_t)0)",
      "unit/base/test_atomic_file:planted_names", "a temporary name that can be guessed can be planted"),
    P("failed-batch-is-not-done", 3, "src/flow/run/recover.c",
      "        store_rollback(worker->store);\n"
      "    back_to_pending(worker);\n",
      "        store_rollback(worker->store);\n",
      "fault/test_disk.DiskTest.test_a_failed_fsync_is_never_trusted", "what was rolled back is not reported as stored"),
    P("failed-fsync-is-final", 3, "src/backup/backup.c",
      "!sync_file(&part->rows, &why))\n"
      "        return die(part, &why, err);",
      "!sync_file(&part->rows, &why))\n"
      "        return fail(part, PART_TORN, &why, err);",
      "unit/backup/test_backup_faults:failed_fsync_is_final", "a second fsync may succeed with the data gone"),
    P("failed-journal-is-given-up", 3, "src/state/journal.c", "if (lost)\n        return give_up(", "if (lost && journal->errnum != 0)\n        return give_up(",
      "unit/state/test_journal_durable:each_failure_is_told", "nobody knows what the disk holds"),
    P("synchronous-commit", 3, "src/store/postgres/session/connect.c", "SET LOCAL synchronous_commit = on; ", "",
      "store/test_store_postgres:transaction_settings", "a role may have switched it off"),
]
