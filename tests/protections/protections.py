"""What holds the invariants: one row for each protection, with the change that takes it out and the test that must then fail.

`covers` is the number of the invariant, or what else is protected. `old` stands exactly once in `file`. A test is cli/MODULE.CLASS.TEST or
fault/MODULE.CLASS.TEST, or unit/PROGRAM:TEST or store/PROGRAM:TEST for a program of Check. may_hang: what is taken out is the end of a wait.
Not test_store_faults: it leaves frozen sessions behind, and the server that all tests here share cannot drop a database then.
"""

import collections

Protection = collections.namedtuple("Protection", "name covers file old new test why may_hang", defaults=[False])
P = Protection

IDENTITY = [  # 1: a key appears once, and its content never changes silently
    P("other-writers-key", 1, "src/port/store_postgres_error.c", '{"23505", ERR_CONFLICT, ""}', '{"23505", ERR_SKIP, ""}',
      "unit/test_port_store_error:classes", "a unique violation means: look who has the key"),
    P("read-committed", 1, "src/port/store_postgres_connect.c", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;", "BEGIN READ WRITE;",
      "store/test_store_postgres:transaction_settings", "what another writer committed must be visible"),
    P("sent-rows-are-asked-for", 1, "src/port/store_postgres_sent.c", "return there == rows ||", "return rows != 0 ||",
      "cli/test_rules.Triggers.test_one_model_gets_another_version", "a trigger may change or drop a row without an error"),
    P("upgrade-lock", 1, "sql/postgresql/revisions_lock.sql",
      "SELECT pg_advisory_xact_lock(7883946363647714655)", "SELECT 7883946363647714655",
      "store/test_store_schema:upgrade_at_once", "two upgrades at once"),
    P("stored-digest-in-the-table", 1, "sql/postgresql/0001_models.sql",
      "OR stored_sha256 = sha256(model_binary)),", "OR stored_sha256 IS NOT NULL),",
      "cli/test_storing.Chunks.test_table_refuses_a_payload_that_is_not_the_recorded_one", "the table itself refuses another payload"),
    P("restore-never-overwrites", 1, "src/flow/restore.c", "*wanted = index == STRMAP_NONE &&", "*wanted =",
      "cli/test_restore.Same.test_other_content_stays_and_is_a_conflict", "a restored row must not take the place of another"),
    P("edited-migration", 1, "src/stage/schema.c", "if (strcmp(revision->checksum, checksum) == 0)", "if (revision->checksum != NULL)",
      "store/test_store_schema:edited_revision", "a migration that was edited after it was applied is refused"),
    P("newer-schema", 1, "src/stage/schema.c", "survey->state->kind = SCHEMA_UNKNOWN;", "(void)0;",
      "store/test_store_schema:newer_program", "an older program keeps its hands off a newer schema"),
    P("explicit-version-conflict", 1, "src/stage/plan.c", "refuse_other_content(model, stored->number);", "model->state = MODEL_UNCHANGED;",
      "cli/test_resync.Changes.test_changed_explicit_version_is_a_conflict", "same key, other content"),
    P("twins", 1, "src/stage/plan.c", "refuse_twins(plan, &plan->groups[i]);", "(void)refuse_twins;",
      "cli/test_selection.Clashes.test_two_sources_with_one_explicit_key", "two sources with one key: neither can be preferred"),
    P("content-is-known", 1, "src/stage/plan.c",
      "const Version *same = find_content(group, &model->content);", "const Version *same = NULL;",
      "cli/test_resync.Changes.test_touched_file_is_unchanged_and_then_not_read_again", "content that is stored gets no second version"),
    P("next-version-over-claims", 1, "src/stage/plan.c",
      "if (items[i].explicit_version && items[i].version > highest)", "if (items[i].version > INT32_MAX - 1)",
      "cli/test_selection.Clashes.test_version_of_a_source_that_cannot_be_stored_now_stays_free", "the next version is nobody else's"),
    P("search-path", 1, "src/port/store_postgres_connect.c",
      "READ WRITE; SET LOCAL search_path = %s, pg_temp;", "READ WRITE; SET LOCAL search_path = pg_temp, %s;",
      "store/test_store_postgres:transaction_settings", "a temporary table must not hide ours"),
]

TRUTH = [  # 2: the store is the truth; the journal only saves time
    P("journal-crc", 2, "src/stage/journal_format.c", "|| gzip_crc32(line + FIELDS_AT, len - FIELDS_AT) != crc)", ")",
      "unit/test_stage_journal:every_flipped_bit_is_noticed", "a flipped bit makes a line unknown"),
    P("journal-torn-tail", 2, "src/stage/journal.c",
      "((uint64_t)st.st_size > found.end && ftruncate(journal->fd, (off_t)found.end) != 0)", "false",
      "unit/test_stage_journal:cut_at_every_byte", "the next record must not be glued to a torn one"),
    P("journal-header", 2, "src/stage/journal.c", "memcmp(head, JOURNAL_HEADER, (size_t)got) != 0)", "got > (ssize_t)sizeof head)",
      "unit/test_stage_journal:unknown_files_are_set_aside", "a journal of a newer format is not read as ours"),
    P("journal-stamp", 2, "src/flow/compare.c", "stamp_equal(&record->stamp, &model->stamp)", "record->stamp.size == model->stamp.size",
      "cli/test_resync.Changes.test_same_size_and_time_but_other_content_is_seen", "a changed file is read"),
    P("journal-racy-tick", 2, "src/stage/journal.c", "(record.event == JOURNAL_KNOWN && journal_is_racy(&record))", "false",
      "fault/test_moving_sources.SourceTest.test_changed_in_the_same_tick", "a file of the tick of its record is read again"),
    P("journal-rewrite-keeps-trail", 2, "src/flow/compare.c", "bool is_trail = record->event != JOURNAL_KNOWN;", "bool is_trail = false;",
      "cli/test_cleanup.Apply.test_intent_and_result_outlive_a_rewrite_of_the_journal", "what a clean-up noted stays for good"),
    P("journal-needs-the-store", 2, "src/stage/plan.c",
      "if (same != NULL && digest_equal(&same->content, &model->content)) {",
      "if (same == NULL)\n"
      "        model->state = MODEL_UNCHANGED;\n"
      "    else if (digest_equal(&same->content, &model->content)) {",
      "cli/test_resync.Journal.test_journal_of_rows_that_the_store_lost", "the journal is believed only where the store agrees"),
    P("journal-needs-the-same-content", 2, "src/stage/plan.c",
      "if (same != NULL && digest_equal(&same->content, &model->content)) {", "if (same != NULL) {",
      "fault/test_truth.OlderStore.test_other_content_in_the_store", "the row may have other content now"),
]

ORDER = [  # 3: backup durable, COMMIT, journal durable, reported
    P("backup-before-commit", 3, "src/flow/batch.c",
      "        if (worker->part != NULL && !backup_part_sync(worker->part, err))\n"
      "            return false;\n"
      "        worker->commit_sent = true;\n"
      "        if (!store_commit(worker->store, err))\n"
      "            return false;\n",
      "        worker->commit_sent = true;\n"
      "        if (!store_commit(worker->store, err))\n"
      "            return false;\n"
      "        if (worker->part != NULL && !backup_part_sync(worker->part, err))\n"
      "            return false;\n",
      "fault/test_kill.KillTest.test_order_of_every_batch", "a row of the store is in a backup, whenever the power goes"),
    P("backup-fdatasync", 3, "src/stage/backup.c", "fdatasync(file->fd) == 0 ||", "file->fd >= 0 ||",
      "fault/test_kill.KillTest.test_order_of_every_batch", "written is not durable"),
    P("backup-folder-fsync", 3, "src/stage/backup.c",
      "if (!part->names_synced && part->rows.path != NULL && !sync_names(part, &why))",
      "if (!part->names_synced && part->rows.path == NULL && !sync_names(part, &why))",
      "unit/test_stage_backup_faults:folders_are_synced_when_they_are_new", "a durable file without a durable name is lost"),
    P("journal-after-commit", 3, "src/flow/batch.c",
      "        worker->commit_sent = true;\n"
      "        if (!store_commit(worker->store, err))\n"
      "            return false;\n",
      "        for (size_t i = 0; i < worker->batch.count; i++)\n"
      "            if (!item_list_add(&worker->seen, &worker->batch.items[i], err))\n"
      "                return false;\n"
      "        worker->commit_sent = true;\n"
      "        if (!batch_journal(worker, err) || !store_commit(worker->store, err))\n"
      "            return false;\n",
      "fault/test_kill.KillTest.test_order_of_every_batch", "the journal knows only what is stored"),
    P("journal-fdatasync", 3, "src/stage/journal.c", "journal->batch.len) || fdatasync(journal->fd) != 0)", "journal->batch.len))",
      "fault/test_kill.KillTest.test_order_of_every_batch", "the record is durable before the batch counts as done"),
    P("journal-name-fsync", 3, "src/stage/journal.c",
      "    return fs_sync_parent(path, err);\n"
      "}\n"
      "\n"
      "static bool set_aside",
      "    return true;\n"
      "}\n"
      "\n"
      "static bool set_aside",
      "unit/test_stage_journal_durable:new_file_and_its_name", "the journal's own name is durable"),
    P("folder-name-fsync", 3, "src/base/fs.c",
      "    if (*made)\n"
      "        return fs_sync_parent(path, err);\n",
      "    if (*made)\n"
      "        return true;\n",
      "unit/test_base_fs_durable:names_of_folders", "the name of a new folder is durable"),
    P("replace-fsync", 3, "src/base/fs.c", "!fs_write(fd, data, len) || fsync(fd) != 0)", "!fs_write(fd, data, len))",
      "unit/test_base_fs_durable:replaced_file", "a MANIFEST that has its name has its content"),
    P("replace-name-fsync", 3, "src/base/fs.c",
      "    ok = fs_sync_parent(path, err);\n"
      "out:",
      "    ok = true;\n"
      "out:",
      "unit/test_base_fs_durable:replaced_file", "the new name of a replaced file is durable"),
    P("journal-rewrite-fsync", 3, "src/stage/journal.c",
      "!fs_write(fd, buffer->data, buffer->len) || fsync(fd) != 0)", "!fs_write(fd, buffer->data, buffer->len))",
      "unit/test_stage_journal_durable:rewritten_file_and_its_name", "a new journal that has the name has its records"),
    P("journal-rewrite-name-fsync", 3, "src/stage/journal.c", "    ok = fs_sync_parent(journal->path, err);", "    ok = true;",
      "unit/test_stage_journal_durable:rewritten_file_and_its_name", "the new journal's name is durable"),
    P("failed-batch-is-not-done", 3, "src/flow/recover.c",
      "        store_rollback(worker->store);\n"
      "    back_to_pending(worker);\n",
      "        store_rollback(worker->store);\n",
      "fault/test_disk.DiskTest.test_a_failed_fsync_is_never_trusted", "what was rolled back is not reported as stored"),
    P("failed-fsync-is-final", 3, "src/stage/backup.c",
      "!sync_file(&part->rows, &why))\n"
      "        return die(part, &why, err);",
      "!sync_file(&part->rows, &why))\n"
      "        return fail(part, PART_TORN, &why, err);",
      "unit/test_stage_backup_faults:failed_fsync_is_final", "a second fsync may succeed with the data gone"),
    P("failed-journal-is-given-up", 3, "src/stage/journal.c",
      "        return give_up(journal, errno, err);\n"
      "    journal->lines += lines;",
      '        return err_set_errno(err, ERR_STOP, errno, "cannot write the journal %s", journal->path);\n'
      "    journal->lines += lines;",
      "unit/test_stage_journal:failed_write_ends_the_journal", "nobody knows what the disk holds"),
    P("synchronous-commit", 3, "src/port/store_postgres_connect.c", "SET LOCAL synchronous_commit = on; ", "",
      "store/test_store_postgres:transaction_settings", "a role may have switched it off"),
]

KILLS = [  # 4: after SIGKILL the same command ends in the state of an uninterrupted run
    P("leftovers-are-looked-for", 4, "src/flow/run.c", "if (!run->has_leftovers || ask_with_patience(", "if (!run->settings->checksum || ask_with_patience(",
      "fault/test_kill.KillTest.test_every_step", "the backup of a killed run is put right"),
    P("leftovers-wait-for-writers", 4, "src/flow/leftovers.c",
      "(!run->has_leftovers || store_wait_writers(run->store, err));", "true;",
      "fault/test_leftovers.Uncommitted.test_commit_that_outlives_its_client", "a server goes on with the COMMIT of a dead client"),
    P("leftovers-by-run", 4, "src/flow/leftovers.c",
      "if (same_version && strcmp(stored->run_id, run_id) == 0)", "if (same_version && run_id != NULL)",
      "fault/test_together.TwoHosts.test_killed_run_and_another_host_with_its_keys", "the row of another run is in that run's backup"),
    P("leftovers-at-the-end", 4, "src/flow/run.c", "do_work(&run, &work_err) && recover_leftovers(&run, &work_err);",
      "recover_leftovers(&run, &work_err) && do_work(&run, &work_err);",
      "fault/test_kill.KillTest.test_every_step", "what the run stores again leaves the backup of the killed one"),
    P("leftovers-only-copy", 4, "src/flow/leftovers.c", "return same_version ? BACKUP_TAKEN : BACKUP_MISSING;", "return BACKUP_ELSEWHERE;",
      "fault/test_leftovers.Uncommitted.test_retrained_before_the_next_run", "what the store does not have may be the only copy"),
    P("leftovers-lost-rows", 4, "src/stage/backup_cut.c", "if (verdict == BACKUP_ELSEWHERE)", "if (verdict != BACKUP_STORED)",
      "fault/test_leftovers.LostStore.test_database_made_anew", "what the store has lost is in the backup only"),
    P("leftovers-torn-chunks", 4, "src/stage/backup_cut.c", "if (verdict != BACKUP_STORED && !waiting->whole) {", "if (verdict == BACKUP_ELSEWHERE) {",
      "unit/test_stage_backup_recover:pieces_and_their_row", "a row without its pieces would stop a restore"),
    P("leftovers-cut", 4, "src/stage/backup_cut.c",
      "    if (verdict == BACKUP_ELSEWHERE)\n"
      "        return true;\n",
      "",
      "unit/test_stage_backup_recover:recovery_keeps_what_is_stored", "rows that were never committed leave the backup"),
    P("folder-appears-whole", 4, "src/stage/backup_owner.c", "#define MAKE_TRIES 100", "#define MAKE_TRIES 1",
      "fault/test_leftovers.SharedFolder.test_recovery_at_every_step_of_a_folder_that_is_made", "another run's recovery takes an unlocked folder away"),
    P("folder-is-listed-again", 4, "src/stage/backup_recover.c", "(!is_unfinished(&folder) || visitor->fn(", "(folder.gone || visitor->fn(",
      "fault/test_leftovers.SharedFolder.test_run_that_ends_while_recovery_looks", "its run may have ended before the lock was there"),
    P("leftovers-fsync", 4, "src/stage/backup_cut.c", "return fsync(*fd) == 0 ||", "return *fd >= 0 ||",
      "unit/test_stage_backup_faults:failed_fsync_in_recovery", "the run may have been killed between its write and its sync"),
    P("leftovers-rewrite-fsync", 4, "src/stage/backup_cut.c", "if (fsync(new_fd) != 0 || rename(", "if (rename(",
      "unit/test_stage_backup_faults:failed_fsync_in_recovery", "a new file that has the name has its rows"),
    P("leftovers-folder-fsync", 4, "src/stage/backup_recover.c",
      "ok = fs_sync_dir(path, err) && backup_manifest_write(", "ok = backup_manifest_write(",
      "unit/test_stage_backup_faults:failed_fsync_in_recovery", "the MANIFEST vouches for durable names"),
    P("leftovers-of-other-stores", 4, "src/stage/backup_owner.c",
      "*same = !ok || (text.len == strlen(place) + 1 && memcmp(text.data, place, text.len - 1) == 0);", "*same = true;",
      "fault/test_kill.KillTest.test_backup_folder_of_two_stores", "another store is the judge of its own rows"),
    P("leftovers-of-live-runs", 4, "src/stage/backup_owner.c", "flock(fd, LOCK_EX | LOCK_NB) == 0)", "fd >= 0)",
      "fault/test_kill.KillTest.test_backup_folder_of_a_run_at_work", "a run that is at work needs no recovery"),
    P("clean-up-goes-on", 4, "src/stage/removal.c", "*resumed = ok && cut_off;", "*resumed = false;",
      "cli/test_cleanup_faults.Directories.test_what_a_kill_left_whole_is_taken_up_by_the_same_plan", "a killed clean-up is taken up"),
    P("leftovers-in-the-tree", 4, "src/stage/scan.c", "const char *leftover = leftover_reason(name);", "const char *leftover = NULL;",
      "cli/test_cleanup_faults.Directories.test_what_a_kill_left_is_reported_and_never_stored", "what a kill left is never stored as a model"),
    P("run-lock", 4, "src/stage/lock.c", "while (flock(fd, LOCK_EX | LOCK_NB) != 0) {", "while (fd < 0) {",
      "cli/test_two_runs.Lock.test_held_lock_is_exit_11_and_nothing_is_changed", "two runs with one state folder"),
    P("run-lock-is-the-named-file", 4, "src/stage/lock.c", "if (still_named(fd, path)) {", "if (fd >= 0) {",
      "unit/test_stage_lock:lock_file_removed_at_the_last_moment", "a lock on a file that has lost its name locks nothing"),
    P("get-cleans-up", 4, "src/stage/unpack_dest.c",
      "    if (dest->pending)\n"
      "        (void)fs_remove_tree(dest->parent, dest->temp, NULL);\n",
      "",
      "cli/test_get.NothingLeft.test_interrupted", "a get that failed leaves nothing"),
    P("damaged-rows-are-cut", 4, "src/stage/backup_cut.c", "!row->has_payload || backup_decode(", "row->fd >= 0 || backup_decode(",
      "unit/test_stage_backup_recover:damaged_rows_are_cut", "a torn row is no row"),
    P("newer-backup", 4, "src/stage/backup_cut.c", "*understood = cutting.scan.header != BACKUP_HEADER_UNKNOWN;", "*understood = true;",
      "unit/test_stage_backup_recover:foreign_folders_are_left_alone", "a backup of a newer format is left as it is"),
]

NO_OP = [  # 5: an unchanged tree is a no-op; a dry run writes nothing
    P("unchanged-is-not-read", 5, "src/flow/compare.c",
      "if (model->has_content)\n"
      "        model->content = record->content;",
      "model->has_content = false;",
      "cli/test_resync.NoOp.test_unchanged_tree_opens_no_model_file", "the journal spares the reading"),
    P("no-backup-of-nothing", 5, "src/stage/backup.c", "ok = manifest.count == 0 || backup_manifest_write(", "ok = backup_manifest_write(",
      "cli/test_resync.NoOp.test_unchanged_tree_stores_nothing", "a run that stored nothing leaves no folder"),
    P("no-row-of-nothing", 5, "src/flow/worker.c",
      "    worker->packer = packer_new(&pack, err);\n",
      "    store_run_begin(worker->store, &run->record, err);\n"
      "    worker->packer = packer_new(&pack, err);\n",
      "cli/test_resync.NoOp.test_checksum_opens_every_model_file", "a run that stored nothing has no row in model_runs"),
    P("dry-run-state", 5, "src/flow/run.c",
      "    if (settings->dry_run)\n"
      "        return true;\n"
      "    if (!state_open(",
      "    if (!state_open(",
      "cli/test_resync.DryRun.test_before_any_table_it_writes_nothing_anywhere", "not even state"),
    P("dry-run-upgrade", 5, "src/flow/run.c", "if (run->settings->upgrade && !run->settings->dry_run)", "if (run->settings->upgrade)",
      "cli/test_resync.DryRun.test_before_any_table_it_writes_nothing_anywhere", "no tables"),
    P("dry-run-rows", 5, "src/flow/worker.c",
      "if (model->state == MODEL_NEW && !worker->run->settings->dry_run)\n"
      "        return batch_put",
      "if (model->state == MODEL_NEW)\n"
      "        return batch_put",
      "cli/test_resync.DryRun.test_of_changes_it_plans_what_the_run_then_does", "no rows"),
    P("dry-run-leftovers", 5, "src/flow/leftovers.c",
      "    if (run->settings->dry_run)\n"
      "        return true;\n",
      "",
      "fault/test_kill.KillTest.test_dry_run_leaves_what_a_killed_run_left", "no recovery either"),
]

ONE_BAD = [  # 6: one bad model never costs another
    P("batch-is-split", 6, "src/flow/recover.c",
      "if (worker->batch.count > 1) {\n"
      "        worker->row_cap",
      "if (worker->batch.count > 1000000) {\n"
      "        worker->row_cap",
      "fault/test_locks.Settings.test_check_of_the_user", "the innocent rows of a refused batch are stored"),
    P("bad-source-is-alone", 6, "src/flow/worker.c",
      "    if (err->cls != ERR_SKIP)\n"
      "        return false;\n"
      "    log_line",
      "    if (err->cls != ERR_NONE)\n"
      "        return false;\n"
      "    log_line",
      "cli/test_sources.NotModels.test_git_lfs_pointer", "a source that cannot be read costs no other"),
    P("data-error-is-one-row", 6, "src/port/store_postgres_error.c", '{"22", ERR_SKIP, ""}', '{"22", ERR_STOP, ""}',
      "unit/test_port_store_error:classes", "an error of one row does not stop the run"),
    P("lfs-pointer", 6, "src/stage/pack.c", "if (!magic_is_lfs_pointer(head, len))", "if (head != NULL)",
      "cli/test_sources.NotModels.test_git_lfs_pointer", "a pointer is no model"),
    P("empty-source", 6, "src/stage/scan.c", "if (st->st_size == 0)", "if (st->st_size < 0)",
      "unit/test_stage_scan:test_what_only_looks_like_a_model", "a file of 0 bytes is no model"),
    P("unfit-name", 6, "src/stage/identify.c",
      "if (problem != NULL) {\n"
      "        char reason[100];",
      "if (problem != NULL && name_len == 0) {\n"
      "        char reason[100];",
      "unit/test_stage_identify:test_refusals", "a name that the store would refuse fails alone"),
    P("unreadable-folder-costs-no-other", 6, "src/stage/scan.c",
      "    if (err->cls != ERR_SKIP)\n"
      "        return false;\n"
      "    Model *model = walk_add(walk, kind, err);",
      "    if (err->cls != ERR_NONE)\n"
      "        return false;\n"
      "    Model *model = walk_add(walk, kind, err);",
      "cli/test_sources.Unreadable.test_directory", "the rest of the tree goes on"),
]

LOST_COMMIT = [  # 7: a COMMIT whose answer is lost is resolved by asking the store
    P("lost-commit-is-looked-up", 7, "src/flow/recover.c",
      "*committed = found > 0;",
      "found = 0;\n"
      "    *committed = false;",
      "fault/test_connection.LostCommit.test_after_it_was_applied", "it may have been applied"),
    P("lost-commit-is-not-assumed", 7, "src/flow/recover.c",
      "    if (found == 0)\n"
      "        return true;\n"
      "    log_line",
      "    *committed = true;\n"
      "    log_line",
      "fault/test_connection.LostCommit.test_before_it_was_applied", "it may not have been applied"),
    P("lost-commit-waits-for-writers", 7, "src/flow/recover.c",
      "if (worker->commit_sent && !store_wait_writers(worker->store, err))", "if (false)",
      "fault/test_kill.KillTest.test_lost_answer_of_a_slow_commit", "the server may still be at it"),
    P("lost-commit-by-run", 7, "src/flow/recover.c", "strcmp(found->run_id, worker->run->run_id) == 0 &&", "",
      "fault/test_connection.LostCommit.test_another_run_has_stored_it_meanwhile", "the row may be another run's"),
    P("panic-is-no-refusal", 7, "src/flow/recover.c", " && store_alive(worker->store);", ";",
      "fault/test_full_disk.FullWalInCommit.test_panic_behind_the_commit", "the last words of a server that panics are no answer"),
    P("unknown-commit-keeps-backup", 7, "src/flow/recover.c",
      "bool unknown = worker->commit_sent && err->cls != ERR_BUG;", "bool unknown = false;",
      "fault/test_connection.LostCommit.test_applied_and_the_store_stays_away", "rows whose COMMIT nobody answers for stay in the backup"),
    P("unknown-commit-is-not-finished", 7, "src/flow/run.c", "if (run->backup == NULL || run->outcome_unknown)", "if (run->backup == NULL)",
      "fault/test_connection.LostCommit.test_applied_and_the_store_stays_away", "no MANIFEST vouches for rows that may not be there"),
    P("commit-that-was-a-rollback", 7, "src/port/store_postgres.c",
      'bool ok = strcmp(PQcmdStatus(result), "COMMIT") == 0;', "bool ok = result != NULL;",
      "store/test_store_postgres:commit_of_a_failed_transaction", "the server answers ROLLBACK, and no error"),
    P("commit-is-waited-for", 7, "src/port/store_postgres_wait.c",
      "interrupt_signal() != 0 && !pg->committing;", "interrupt_signal() != 0;",
      "fault/test_signals.Signals.test_late_answer_to_commit", "a signal does not make the answer to COMMIT a lost one"),
]

WHOLE = [  # 8: a source that changes while it is read is never stored half-and-half
    P("stat-before-and-after", 8, "src/stage/pack.c", "if (done != size || !same_stat(before, &after)) {", "if (done != size) {",
      "fault/test_moving_sources.SourceTest.test_rewritten_with_the_same_size", "a rewritten file"),
    P("bytes-are-the-size", 8, "src/stage/pack.c", "if (done != size || !same_stat(before, &after)) {", "if (!same_stat(before, &after)) {",
      "unit/test_stage_pack:size_that_is_not_so", "more or fewer bytes than the file has"),
    P("ctime-counts", 8, "src/stage/pack.c", " && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;", ";",
      "fault/test_moving_sources.SourceTest.test_rewritten_with_the_same_size_and_time", "mtime can be set back"),
    P("tick-is-waited-out", 8, "src/stage/pack.c", "if (age >= 0 && age < TICK_NS)", "if (age < 0)",
      "unit/test_stage_pack:tick_is_waited_out", "two writes of one clock tick leave one time"),
    P("members-as-listed", 8, "src/stage/pack.c", "if (!member_is(member, &st)) {", "if (!S_ISREG(st.st_mode)) {",
      "fault/test_moving_sources.SourceTest.test_member_of_a_directory_model", "a member that changed since the list was made"),
    P("list-before-and-after", 8, "src/stage/pack.c", "if (!tree_same(&before, &after)) {", "if (before.count == 0) {",
      "fault/test_moving_sources.SourceTest.test_members_change_together", "a member that came or went"),
    P("source-is-no-link", 8, "src/base/fs.c", "(follow ? 0 : RESOLVE_NO_SYMLINKS)", "0",
      "unit/test_base_fs:beneath", "a source that became a link is not followed"),
    P("source-is-below", 8, "src/base/fs.c", "how.resolve = RESOLVE_BENEATH |", "how.resolve =",
      "unit/test_base_fs:beneath", "nothing outside of the tree is read"),
    P("source-does-not-block", 8, "src/base/fs.c", "((flags & O_PATH) != 0 ? 0 : O_NONBLOCK)", "0",
      "unit/test_base_fs:fifo_does_not_block", "to open a FIFO would wait for ever", may_hang=True),
    P("links-need-the-option", 8, "src/stage/scan_links.c",
      "    if (walk->rules->follow_links) {\n"
      "        const char *path",
      "    if (walk->list != NULL) {\n"
      "        const char *path",
      "cli/test_sources.Links.test_link_to_a_file", "without -L no link is followed"),
    P("links-stay-inside", 8, "src/base/link.c", "if (below == NULL) {", "if (target[0] == '\\0') {",
      "cli/test_sources.Links.test_followed_never_outside", "-L does not leave the tree"),
]

DELETION = [  # 9: nothing is deleted without a full proof at that moment; what cannot be read is never "empty"
    P("proof-content", 9, "src/flow/audit.c",
      "digest_equal(&row->info.content, &model->content))\n"
      "            partner",
      "true)\n"
      "            partner",
      "cli/test_cleanup.AfterThePlan.test_rows", "the file's content is the row's"),
    P("proof-by-the-server", 9, "src/flow/audit_prove.c",
      '        return mark(call->prover, item, AUDIT_DIFFERS, "the stored payload is damaged: its SHA-256 is not the recorded one", err);',
      "        item->server_proof = true;\n"
      "        return true;",
      "cli/test_check.Damage.test_byte_in_a_row", "the server hashes what it has"),
    P("proof-by-reading-back", 9, "src/flow/audit_prove.c",
      "        return mark(prover, item, AUDIT_DIFFERS, why.text, err);", "        return item->download_proof = true;",
      "cli/test_cleanup.Plan.test_content_that_only_reading_back_disproves", "the payload decodes to the content"),
    P("proof-needs-the-payload", 9, "src/flow/audit_prove.c",
      "if (!item->is_unproven || item->letter", "if (item->name != NULL || item->letter",
      "cli/test_check.OtherWriters.test_content_digest_alone_proves_nothing", "a digest that nobody compared proves nothing"),
    P("proof-needs-digests", 9, "src/flow/audit_report.c", "if (!item->has_digests)", "if (item->name == NULL)",
      "cli/test_cleanup.Plan.test_row_without_digests_is_no_proof", "a row without digests proves nothing"),
    P("plan-on-a-standby", 9, "src/flow/audit_report.c", "if (!audit->primary)", "if (audit->count == 0)",
      "cli/test_cleanup_faults.Standby.test_check_reads_it_and_cleanup_refuses", "a standby may lag behind"),
    P("apply-on-a-standby", 9, "src/flow/cleanup.c", "refuse_standby(&apply.audit, err) &&", "refuse_trash_inside(settings, err) &&",
      "cli/test_cleanup_faults.Standby.test_check_reads_it_and_cleanup_refuses", "a standby may lag behind"),
    P("apply-proves-again", 9, "src/flow/cleanup.c",
      "    if (why != NULL)\n"
      "        return why;\n"
      "    if (strcmp(item->name, line->name)",
      "    if (item->name == NULL)\n"
      "        return why;\n"
      "    if (strcmp(item->name, line->name)",
      "cli/test_cleanup.AfterThePlan.test_rows", "a proof of yesterday is none"),
    P("apply-stat", 9, "src/flow/cleanup.c", "|| !same_stamp(&item->stamp, &line->stamp, apply->resumed[line - apply->plan->lines]))", ")",
      "cli/test_cleanup.AfterThePlan.test_sources", "a source that changed after the plan stays"),
    P("apply-same-row", 9, "src/flow/cleanup.c",
      "if (strcmp(item->name, line->name) != 0 ||", "if (false && strcmp(item->name, line->name) != 0 ||",
      "cli/test_cleanup.AfterThePlan.test_lines", "the plan speaks of this row"),
    P("apply-links", 9, "src/flow/cleanup.c", "return model->followed_link ?", "return model->path == NULL ?",
      "cli/test_cleanup.Apply.test_followed_links_stay", "what a link leads to is not ours to delete"),
    P("apply-only-delete-lines", 9, "src/flow/cleanup.c",
      "if (index == STRMAP_NONE || !apply->plan->lines[index].delete_it)", "if (index == STRMAP_NONE)",
      "cli/test_cleanup.Apply.test_exactly_the_lines_that_say_delete", "the plan is executed, nothing else"),
    P("last-moment-health", 9, "src/flow/cleanup.c",
      "*whole = primary && health == STORE_INTACT && same.found;", "*whole = primary && health != STORE_MISSING && same.found;",
      "cli/test_cleanup_faults.AtTheLastMoment.test_row_deleted_damaged_and_replaced", "a row that was damaged a moment ago"),
    P("last-moment-row", 9, "src/flow/cleanup.c",
      "*whole = primary && health == STORE_INTACT && same.found;", "*whole = primary && health == STORE_INTACT;",
      "cli/test_cleanup_faults.AtTheLastMoment.test_row_deleted_damaged_and_replaced", "a row that was replaced a moment ago"),
    P("last-moment-primary", 9, "src/flow/cleanup.c",
      "*whole = primary && health == STORE_INTACT && same.found;", "*whole = health == STORE_INTACT && same.found;",
      "fault/test_standby.ChangeOver.test_last_question_goes_to_a_standby", "the next session may be a standby's"),
    P("unlink-stat", 9, "src/stage/removal.c", "if (!is_same(&removal, removal.base, false))", "if (removal.parent < 0)",
      "unit/test_stage_removal:test_every_field_of_the_stamp_counts", "the stat once more, through the descriptor"),
    P("unlink-what-was-renamed", 9, "src/stage/removal.c",
      "else if (!is_same(&removal, removal.hidden, true))", "else if (removal.parent < 0)",
      "unit/test_stage_removal:test_file_replaced_at_the_last_moment", "between stat and unlink another file may take the name"),
    P("unlink-members", 9, "src/stage/removal.c", "!list_is_same(removal, &list)) {", "list.count == 0) {",
      "unit/test_stage_removal:test_directory_changed_before_its_members_go", "a directory is listed again"),
    P("unlink-each-member", 9, "src/stage/removal.c",
      "if (ok && !member->is_directory && (!S_ISREG(st.st_mode) ||", "if (ok && parent < 0 && (!S_ISREG(st.st_mode) ||",
      "unit/test_stage_removal:test_member_that_is_replaced_while_the_directory_goes", "each member is the one that was listed"),
    P("unlink-fsync", 9, "src/stage/removal.c", "if (ok && fsync(removal.parent) != 0)", "if (ok && removal.parent < 0)",
      "unit/test_stage_removal:test_fsync_that_fails", "what is reported as gone does not come back"),
    P("trash-fsync", 9, "src/stage/removal.c", "bool durable = moved && fsync(target) == 0;", "bool durable = moved;",
      "unit/test_stage_removal:test_fsync_that_fails", "what was moved is in the trash, whenever the power goes"),
    P("trash-never-overwrites", 9, "src/stage/removal.c",
      "bool moved = renameat2(removal->parent, removal->hidden, target, removal->base, RENAME_NOREPLACE) == 0;",
      "bool moved = renameat2(removal->parent, removal->hidden, target, removal->base, 0) == 0;",
      "unit/test_stage_removal:test_trash_is_taken_at_the_last_moment", "what lies in the trash stays"),
    P("trash-is-asked-first", 9, "src/stage/removal.c", "    if (!same_mount(trash, removal->parent))\n", "    if (trash < 0)\n",
      "cli/test_cleanup.Apply.test_trash_on_another_file_system", "a wrong trash touches nothing"),
    P("trash-on-another-mount", 9, "src/stage/removal.c", "one.stx_mnt_id == two.stx_mnt_id;", "one.stx_mnt_id > 0;",
      "cli/test_cleanup.Apply.test_trash_on_another_mount_of_the_same_file_system", "nor does a bind mount"),
    P("one-row-for-one-removal", 9, "src/flow/cleanup.c", "!store_list_key(apply->store, &key, compare_row, &same, err)",
      "!store_list(apply->store, &key.name, 1, compare_row, &same, err)",
      "cli/test_cleanup.Apply.test_work_grows_with_the_lines_not_with_their_square", "else the work grows with the square of the versions"),
    P("trash-outside", 9, "src/flow/cleanup.c",
      "    if (!inside)\n"
      "        return true;\n",
      "    if (!inside || settings->trash != NULL)\n"
      "        return true;\n",
      "cli/test_cleanup.Apply.test_trash_inside_the_tree_is_refused", "the trash is no source of the next run"),
    P("clean-up-empty-tree", 9, "src/flow/cleanup.c", "if (tree->models->count > 0)", "if (tree->models != NULL)",
      "cli/test_cleanup.Plan.test_no_tree_empty_tree_and_only_other_files", "an unmounted folder proves nothing"),
    P("clean-up-unreadable-tree", 9, "src/flow/cleanup.c", "if (model->is_unreadable) {", "if (model->path == NULL) {",
      "cli/test_cleanup_faults.Unreadable.test_folder_and_member", "a tree that cannot be read as a whole proves nothing"),
    P("clean-up-intent", 9, "src/flow/cleanup.c", "if (!journal(apply, line, JOURNAL_REMOVING, err))", "if (line->path == NULL)",
      "cli/test_cleanup.Apply.test_intent_and_result_are_in_the_journal_and_again_is_harmless", "the journal knows before it is gone"),
    P("clean-up-twins", 9, "src/flow/audit.c", "refuse_twins(models, err) && list_rows", "list_rows",
      "cli/test_cleanup.Apply.test_twins_of_the_tree", "of two sources with one key none is proven"),
    P("clean-up-plan-doubled", 9, "src/stage/cleanup_plan.c", "if (existing != STRMAP_NONE)", "if (line.path == NULL)",
      "cli/test_cleanup.Apply.test_torn_and_doubled_lines", "two lines for one path contradict each other"),
    P("clean-up-plan-torn", 9, "src/stage/cleanup_plan.c", "if (ok && !whole)", "if (ok && plan.count == 0 && !whole)",
      "cli/test_cleanup.Apply.test_torn_and_doubled_lines", "a plan that was cut off is no plan"),
    P("clean-up-yes", 9, "src/cmd/cleanup.c",
      "if (!isatty(STDIN_FILENO)) {",
      "if (!isatty(STDIN_FILENO))\n"
      "        return true;\n"
      "    if (count == 0) {",
      "cli/test_cleanup.Apply.test_without_a_terminal_yes_is_needed", "a deletion wants a yes"),
    P("unreadable-folder-is-an-error", 9, "src/stage/scan.c",
      '        err_set_errno(err, ERR_SKIP, errno, "this directory cannot be opened");\n'
      "        return walk_report_unreadable(walk, err);",
      "        return true;",
      "cli/test_sources.Unreadable.test_directory", "never empty"),
    P("readdir-error-is-an-error", 9, "src/stage/scan_entries.c", "return errno == 0 ||", "return errno >= 0 ||",
      "fault/test_disk.DiskTest.test_folder_that_cannot_be_listed_to_its_end", "never empty"),
    P("get-never-overwrites", 9, "src/stage/unpack_dest.c",
      "dest->parent, dest->name, RENAME_NOREPLACE) == 0)", "dest->parent, dest->name, 0) == 0)",
      "unit/test_stage_unpack_dest:existing_stays", "the destination may be taken meanwhile"),
    P("get-empties-no-home", 9, "src/stage/unpack_dest.c", "if (!refuse_foreign(dest, err))", "if (dest->info == NULL && !refuse_foreign(dest, err))",
      "cli/test_get.Where.test_force_does_not_replace_a_directory_that_holds_anything_else", "what is no part of the model is not ours to delete"),
    P("get-looks-again", 9, "src/stage/unpack_dest.c", "if (ok && foreign.len > 0)", "if (ok && dest->info == NULL)",
      "unit/test_stage_unpack_dest:put_into_the_old_one_at_the_last_moment", "nor what comes at the last moment"),
]

SECRETS = [  # 10: no password is shown, no name steers a terminal, no file of the state is anybody else's
    P("password-in-argv", 10, "src/cmd/options.c", "memset(value, 'x', strlen(value));", "(void)value;",
      "cli/test_connect.Passwords.test_is_wiped_from_the_command_line", "ps shows it to everyone"),
    P("password-in-hints", 10, "src/port/store_postgres_target.c",
      "if (!is_set(given) || done || is_secret(key))", "if (!is_set(given) || done)",
      "cli/test_connect.Passwords.test_is_not_in_the_hint_of_a_missing_schema", "the URL in a hint has none"),
    P("password-in-parse-errors", 10, "src/port/store_postgres_target.c",
      "else if (options == NULL && may_hold_secret(url))", "else if (options == NULL && url == NULL)",
      "unit/test_port_store_target:no_password_in_errors", "libpq quotes what it cannot parse"),
    P("password-in-the-wrong-place", 10, "src/port/store_postgres_target.c",
      "bool misplaced = options != NULL && is_misplaced(url, options);", "bool misplaced = false;",
      "unit/test_port_store_target:no_password_in_the_wrong_place", "a raw / or @ makes it a host or a path"),
    P("password-as-folder", 10, "src/cmd/options.c",
      "    if (!is_address(word))\n        return list_add(", "    if (word != NULL)\n        return list_add(",
      "cli/test_connect.CannotConnect.test_address_in_the_place_of_the_folder_does_not_show_its_password", "a forgotten -d"),
    P("password-behind-another-option", 10, "src/cmd/options.c",
      "if (value != NULL && !spec->secret && is_address(value))", "if (value != NULL && words == NULL && is_address(value))",
      "cli/test_connect.CannotConnect.test_address_behind_the_wrong_option_does_not_show_its_password", "errors quote values"),
    P("password-in-another-variable", 10, "src/cmd/options.c", "        if (is_address(value))\n", "        if (value == NULL)\n",
      "cli/test_connect.CannotConnect.test_address_in_the_variable_of_an_option_does_not_show_its_password", "errors quote values"),
    P("misplaced-password-in-argv", 10, "src/cmd/options.c", "memset(word, 'x', strlen(word));", "(void)word;",
      "cli/test_connect.CannotConnect.test_address_behind_the_wrong_option_is_wiped_from_the_command_line", "ps shows it to everyone"),
    P("rows-in-errors", 10, "src/port/store_postgres_error.c",
      'strcmp(sqlstate, "23505") == 0 ? PQresultErrorField', "sqlstate[0] != 0 ? PQresultErrorField",
      "store/test_store_postgres:row_is_not_in_the_error", "the detail of a refused row is the whole row"),
    P("errors-are-escaped", 10, "src/base/err.c",
      "text_escape(err->text, sizeof err->text, raw, strlen(raw));", "memcpy(err->text, raw, sizeof raw);",
      "unit/test_base_err:text_is_printable", "a name must not steer a terminal"),
    P("log-is-escaped", 10, "src/base/log.c",
      "text_escape(text, sizeof text, raw, strlen(raw));", 'snprintf(text, sizeof text, "%s", raw);',
      "cli/test_report.Text.test_what_the_server_says_cannot_steer_the_terminal", "a server must not steer a terminal"),
    P("private-folders", 10, "src/base/fs.c", "*made = mkdir(path, 0700) == 0;", "*made = mkdir(path, 0777) == 0;",
      "cli/test_backup.Modes.test_state_and_backup_are_private_under_umask_000", "a backup is for its owner"),
    P("private-folders-whatever-the-umask", 10, "src/base/fs.c", "if (made && fchmod(fd, 0700) != 0) {", "if (made && fd < 0) {",
      "unit/test_base_fs:private_dirs", "the umask may take the owner's own bits"),
    P("private-files", 10, "src/base/fs.c", "if (made && fchmod(fd, 0600) != 0) {", "if (made && fchmod(fd, 0644) != 0) {",
      "cli/test_backup.Modes.test_state_and_backup_are_private_under_umask_000", "a backup is for its owner"),
    P("state-of-others", 10, "src/base/fs.c", "if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {", "if (st.st_nlink == 0) {",
      "unit/test_base_fs:private_dir_is_refused", "state that others may write proves nothing"),
    P("planted-link", 10, "src/base/fs.c", "int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK", "int flags = O_RDWR | O_NONBLOCK",
      "unit/test_base_fs:private_file_is_refused", "a link in the state folder leads to another file"),
    P("planted-link-temp", 10, "src/base/fs.c",
      "fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);", "fd = open(temp, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);",
      "unit/test_base_fs_durable:planted_at_the_last_moment", "a link under the temporary name"),
    P("planted-journal", 10, "src/stage/journal.c",
      "O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);", "O_RDONLY | O_NONBLOCK | O_CLOEXEC);",
      "unit/test_stage_journal:planted_files_are_refused", "a dry run reads the journal as well"),
    P("page-is-text", 10, "src/stage/inventory_page.c", "case '<': return \"&lt;\";", "case '<': return NULL;",
      "unit/test_stage_inventory:hostile_strings_make_no_tag", "a name makes no tag"),
]

SAME_BYTES = [  # 11: identity is the content hash; the stored bytes depend on nothing but the source
    P("blocks-of-one-size", 11, "src/port/gzip_deflate.c",
      "        if (deflater->gathered_bytes == 0 && len >= BLOCK_BYTES) {\n"
      "            if (!put_block(deflater, from, BLOCK_BYTES, false, err))\n"
      "                return false;\n"
      "            from += BLOCK_BYTES;\n"
      "            len -= BLOCK_BYTES;",
      "        if (deflater->gathered_bytes == 0) {\n"
      "            if (!put_block(deflater, from, len, false, err))\n"
      "                return false;\n"
      "            from += len;\n"
      "            len -= len;",
      "unit/test_port_gzip:same_bytes_for_any_pieces", "the pieces of the reader do not show"),
    P("first-piece", 11, "src/port/gzip_deflate.c",
      "size_t first = deflater->begun || len <= FIRST_PIECE_BYTES ? 0 : FIRST_PIECE_BYTES;", "size_t first = 0;",
      "unit/test_port_gzip_same:two_deflaters_make_the_same_bytes", "libisal's first byte depends on an address"),
    P("one-member-only", 11, "src/port/gzip_inflate.c",
      'return state->avail_in == 0 || err_set(err, ERR_SKIP, "bytes behind the gzip member");', "return true;",
      "unit/test_port_gzip:cut_or_followed", "joblib loops for ever on a second member"),
    P("members-are-sorted", 11, "src/base/tree.c",
      "        qsort(list.items, list.count, sizeof *list.items, by_path);", "        (void)by_path;",
      "cli/test_read_back.BertopicRow.test_members_lie_at_the_root_sorted_and_without_owner", "readdir has any order"),
    P("compressed-stays", 11, "src/stage/pack.c",
      "packer->deflater == NULL || magic_is_compressed(packer->piece, (size_t)head);", "packer->deflater == NULL;",
      "cli/test_read_back.FileRows.test_compressed_joblib_is_stored_as_it_is", "joblib cannot read gzip around zlib"),
    P("modes-are-two", 11, "src/port/tar.c", "S_IFREG | (executable ? 0755 : 0644)", "S_IFREG | (executable ? 0755 : 0664)",
      "cli/test_read_back.BertopicRow.test_modes_are_0644_and_0755", "the umask of the writer does not show"),
]

WAYS_BACK = [  # get and restore: what comes out is what went in, on the disk, and nowhere else
    P("get-file-fsync", "get", "src/stage/unpack_file.c",
      "(mtime_ns != 0 && futimens(file->fd, times) != 0) || fsync(file->fd) != 0)", "mtime_ns != 0 && futimens(file->fd, times) != 0)",
      "unit/test_stage_unpack_durable:everything_is_synced", "what was got is on the disk"),
    P("get-tree-fsync", "get", "src/stage/unpack_tree.c",
      "(tree->keep_mtime && futimens(fd, times) != 0) || fsync(fd) != 0)", "tree->keep_mtime && futimens(fd, times) != 0)",
      "unit/test_stage_unpack_durable:everything_is_synced", "what was got is on the disk"),
    P("get-name-fsync", "get", "src/stage/unpack_dest.c", "if (fsync(dest->parent) != 0)", "if (dest->parent < 0)",
      "unit/test_stage_unpack_durable:everything_is_synced", "its name as well"),
    P("content-digest", "get", "src/stage/unpack.c",
      'return check_digest(un->content_sha, &info->content, "content", err);', "return true;",
      "cli/test_get.NothingLeft.test_content_that_differs", "what comes out is what went in"),
    P("stored-digest", "get", "src/stage/unpack.c",
      'if (!check_digest(un->stored_sha, &info->stored, "payload", err))', "if (un->stored_sha == NULL)",
      "unit/test_stage_unpack:damage_is_found", "the payload is the recorded one"),
    P("stored-cap", "get", "src/stage/unpack.c",
      "if (*len > un->info->stored_bytes - un->stored_bytes)", "if (un->stored_bytes == UINT64_MAX)",
      "unit/test_stage_unpack:payload_is_stopped_where_the_row_ends", "no more than the row says"),
    P("output-cap", "get", "src/port/gzip_inflate.c", "if (got > inflater->max_bytes - inflater->bytes_out)", "if (got > OUT_BYTES)",
      "unit/test_port_gzip:output_is_capped", "a gigabyte of zeros is a megabyte of gzip"),
    P("tar-cap", "get", "src/port/tar_read.c", "if ((uint64_t)bytes > reader->max_bytes - reader->declared)", "if (reader->max_bytes == 1)",
      "unit/test_port_tar_read:round_trip", "no more than the row says"),
    P("tar-overhead", "get", "src/port/tar_read.c",
      "if (reader->given > reader->declared + OVERHEAD_BYTES + reader->entries * OVERHEAD_MEMBER)", "if (reader->given == UINT64_MAX)",
      "unit/test_stage_unpack_hostile:corpus", "an archive of headers without end"),
    P("tar-dots", "get", "src/port/tar_names.c", 'if (strspn(at, ".") == part && part <= 2)', "if (part > TAR_PATH_MAX)",
      "unit/test_stage_unpack_hostile:corpus", "a member must not leave the destination"),
    P("tar-absolute", "get", "src/port/tar_names.c", "if (path[0] == '/')", "if (path[0] == '\\n')",
      "unit/test_stage_unpack_hostile:corpus", "a member must not leave the destination"),
    P("tar-types", "get", "src/port/tar_read.c", "if (type != AE_IFREG && type != AE_IFDIR)", "if (type == AE_IFMT)",
      "unit/test_stage_unpack_hostile:corpus", "no link, no device"),
    P("tar-hard-links", "get", "src/port/tar_read.c", "if (archive_entry_hardlink(entry) != NULL)", "if (bytes < 0)",
      "unit/test_stage_unpack_hostile:corpus", "a hard link is a way out"),
    P("tar-doubles", "get", "src/port/tar_names.c",
      "if (names->kinds.data[index] != KIND_IMPLIED || !is_directory)", "if (is_directory && names->members == 0)",
      "unit/test_stage_unpack_hostile:corpus", "the second member of one name"),
    P("tar-order", "get", "src/stage/unpack.c",
      "if (un->path.len > 0 && strcmp(un->path.data, member->path) >= 0)", "if (un->path.len > 0 && member->path == NULL)",
      "unit/test_stage_unpack_hostile:corpus", "the content hash is of the sorted list"),
    P("verify-stored", "--verify-stored", "src/flow/worker.c",
      "!worker->run->settings->dry_run && !verify_packed(model, &packed, err))", "!worker->run->settings->dry_run && model->path == NULL)",
      "fault/test_disk.TemporaryFileTest.test_verify_stored_decodes_what_is_sent", "a payload is decoded before it is sent"),
    P("restore-verifies", "restore", "src/flow/restore.c",
      "!backup_manifest_verify(folder->path, &folder->manifest, err))", "restore->folders == NULL)",
      "cli/test_restore.Refused.test_part_cut_edited_missing_or_too_many", "a torn or edited file is refused before a row"),
    P("restore-needs-payloads", "restore", "src/flow/restore.c",
      "if (folder->manifest.mode != BACKUP_FULL) {", "if (folder->path == NULL) {",
      "cli/test_restore.Refused.test_backup_without_payloads_refuses_the_whole_folder_before_a_row",
      "a backup without payloads restores nothing"),
    P("manifest-names-all", "restore", "src/stage/backup_manifest.c", "&& !is_listed(manifest, entry->d_name))", "&& manifest->count == 0)",
      "unit/test_stage_backup_manifest:verify_names_what_differs", "a file that the MANIFEST does not name"),
    P("manifest-digests-of-files", "restore", "src/stage/backup_manifest.c",
      "else if (!digest_equal(&found.sha256, &file->sha256))", "else if (file->rows == UINT64_MAX)",
      "unit/test_stage_backup_manifest:verify_names_what_differs", "a file that was edited"),
    P("manifest-rows-of-files", "restore", "src/stage/backup_manifest.c", "else if (found.rows != file->rows)", "else if (found.rows == UINT64_MAX)",
      "cli/test_restore.Refused.test_manifest_that_counts_other_rows", "a MANIFEST of another file"),
    P("manifest-digest", "restore", "src/stage/backup_manifest.c", "(digest_equal(&said, &is) || torn(path, err))", "true",
      "unit/test_stage_backup_manifest:torn_or_edited_manifest_is_refused", "the MANIFEST itself"),
]

BOUNDS = [  # every wait ends, every retry is bounded, and so is the memory; signals
    P("connect-deadline", "waits", "src/port/store_postgres_connect.c",
      "clock_seconds() + target->connect_timeout;", "clock_seconds() + 3600;",
      "fault/test_connection.Away.test_nobody_answers", "a server that accepts and says nothing", may_hang=True),
    P("retries-before-the-work", "waits", "src/flow/run.c",
      "if (why.cls != ERR_RETRY || failures >= run->settings->retries) {", "if (why.cls != ERR_RETRY || failures > run->settings->retries) {",
      "cli/test_connect.CannotConnect.test_retries_are_made_with_pauses", "--retries"),
    P("retries-of-a-batch", "waits", "src/flow/recover.c",
      "return err->cls == ERR_RETRY && worker->failures <= worker->run->settings->retries;", "return err->cls == ERR_RETRY;",
      "fault/test_connection.Away.test_goes_away_in_the_middle_of_a_batch", "--retries", may_hang=True),
    P("retries-are-in-a-row", "waits", "src/flow/recover.c",
      "    worker->failures = 0;\n"
      "    if (worker->part != NULL)",
      "    if (worker->part != NULL)",
      "fault/test_connection.Away.test_retries_are_in_a_row", "a batch that was stored ends the row"),
    P("conflicts-are-bounded", "waits", "src/flow/recover.c",
      "return worker->failures > CONFLICTS_MAX ? ERR_SKIP : ERR_CONFLICT;", "return ERR_CONFLICT;",
      "fault/test_locks.Settings.test_unique_key_of_the_user", "a unique key that no other writer explains", may_hang=True),
    P("session-that-died-idle", "waits", "src/flow/batch.c",
      "if (was_idle && why.cls == ERR_RETRY && !store_alive(worker->store)) {", "if (was_idle && why.cls == ERR_NONE) {",
      "fault/test_locks.Settings.test_short_timeouts", "a large model is not packed twice"),
    P("memory-of-a-payload", "memory", "src/base/spool.c", "if (len > limit || spool->memory.len > limit - len) {", "if (spool->spilled) {",
      "unit/test_base_spool:memory_is_bounded", "a large payload goes through a file"),
    P("memory-of-the-workers", "memory", "src/flow/run.c", "count = count < room ? count : room;", "(void)room;",
      "fault/test_memory.BoundTest.test_peak", "--max-memory bounds --jobs"),
    P("lock-timeout", "waits", "src/port/store_postgres_connect.c",
      '"SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",\n'
      "                          quoted, lock_ms);\n"
      "    ok = ok && buf",
      '"SET LOCAL lock_timeout = 0; /* %lld */ SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",\n'
      "                          quoted, lock_ms);\n"
      "    ok = ok && buf",
      "store/test_store_postgres:transaction_settings", "another session may hold the table for ever"),
    P("statement-timeout", "waits", "src/port/store_postgres_connect.c",
      '"SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",\n'
      "                          quoted, lock_ms);\n"
      "    ok = ok && buf",
      '"SET LOCAL lock_timeout = %lld",\n'
      "                          quoted, lock_ms);\n"
      "    ok = ok && buf",
      "fault/test_locks.Settings.test_short_timeouts", "a role's timeouts must not end a large model"),
    P("server-deadline", "waits", "src/port/store_postgres_wait.c",
      "postgres_poll(pg, events, pg->patience, ready);", "postgres_poll(pg, events, 3600, ready);",
      "fault/test_connection.LostCommit.test_answer_stalls", "a server that says nothing any more", may_hang=True),
    P("signal-ends-a-wait", "waits", "src/port/store_postgres_wait.c",
      "if (noted < 0 && is_interrupted(pg))", "if (noted < 0 && pg->conn == NULL)",
      "fault/test_signals.Signals.test_while_the_store_is_asked", "whatever the timeouts say", may_hang=True),
    P("sigpipe", "signals", "src/flow/signals.c", "sigaction(SIGPIPE, &ignore, NULL) != 0", "false",
      "cli/test_get.Where.test_standard_output_that_is_full_or_closed", "a closed pipe is an error, not the end"),
    P("sigxfsz", "signals", "src/flow/signals.c", "sigaction(SIGXFSZ, &ignore, NULL) != 0", "false",
      "fault/test_disk.FullDiskTest.test_size_limit_of_the_process", "ulimit -f is an error, not the end"),
    P("second-signal", "signals", "src/flow/signals.c", "_exit(128 + number);", "(void)number;",
      "fault/test_signals.Signals.test_second_signal_while_an_answer_to_commit_is_awaited", "a second signal ends at once"),
    P("ignored-signals", "signals", "src/flow/signals.c", "old.sa_handler != SIG_IGN)", "old.sa_handler != SIG_ERR)",
      "cli/test_two_runs.Signals.test_what_the_parent_ignores_stays_ignored", "nohup means it"),
    P("closed-descriptors", "descriptors", "src/cmd/main.c", "if (!hold_standard_descriptors())", "if (argc < 0 && !hold_standard_descriptors())",
      "cli/test_get.Where.test_closed_standard_output_is_not_the_connection", "what is printed must not go to the server"),
    P("closed-descriptors-of-a-run", "descriptors", "src/cmd/main.c", "if (!hold_standard_descriptors())", "if (argc < 0 && !hold_standard_descriptors())",
      "cli/test_usage.StandardDescriptors.test_run_with_all_of_them_closed_keeps_its_files_clean", "nor into the journal"),
    P("answer-arrived", "descriptors", "src/cmd/main.c", "if (!command_flush(&err) && done)", "if (!command_flush(&err) && done && code < 0)",
      "cli/test_usage.StandardDescriptors.test_answers_that_cannot_be_printed", "an answer that nobody got is no success"),
]

PROTECTIONS = [*IDENTITY, *TRUTH, *ORDER, *KILLS, *NO_OP, *ONE_BAD, *LOST_COMMIT,
               *WHOLE, *DELETION, *SECRETS, *SAME_BYTES, *WAYS_BACK, *BOUNDS]
