"""The journal keeps what is needed and knows its store; the trail of clean-ups is kept for good."""

from protection import P

ROWS = [
    P("compaction-asks-the-disk", 5, "src/flow/run/compact.c", "if (lstat(record->path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR))",
      "if (record->path[0] == '\\0')",
      "cli/test_resync.Narrower.test_runs_that_look_at_less", "what a run was not told to look at is not gone"),
    P("compaction-forgets-what-is-gone", 5, "src/flow/run/compact.c", "*gone = st.st_dev == record->stamp.dev ||", "*gone = st.st_nlink == 0 &&",
      "cli/test_resync.Narrower.test_what_is_gone_is_forgotten", "the journal stays bounded"),
    P("compaction-of-what-is-not-mounted", 5, "src/flow/run/compact.c", "|| !is_empty(scratch->data);", "|| st.st_nlink > 0;",
      "cli/test_resync.Narrower.test_a_file_system_that_is_not_mounted_is_not_gone", "an empty folder may be a mount point"),
    P("journal-is-rewritten", 5, "src/state/journal.c", "return journal->file.lines > 2 * needed + REWRITE_SLACK;", "return needed == UINT64_MAX;",
      "cli/test_resync.Narrower.test_the_journal_stays_bounded", "the journal stays bounded"),
    P("rewrite-keeps-trail", 9, "src/flow/run/compact.c", "if (compaction->trail.count == 0)", "if (compaction->run != NULL)",
      "cli/test_cleanup.Apply.test_what_version_0_1_0_kept_in_the_journal_goes_into_the_trail", "what a clean-up noted stays for good"),
    P("trail-adopts-once", 9, "src/state/trail.c", "adoption->there[index] = true;", "adoption->there[index] = false;",
      "unit/state/test_trail:records_of_an_older_journal", "each line once"),
    P("trail-of-others", 9, "src/state/trail.c", "case RECORDS_UNKNOWN: break;", "case RECORDS_UNKNOWN: return records_begin(file, err);",
      "unit/state/test_trail:files_of_others_are_refused", "a trail of a later version is not emptied"),
    P("failed-write-is-cut-off", 3, "src/state/records.c", "*lost = ftruncate(file->fd, (off_t)file->end) != 0;", "*lost = false;",
      "unit/state/test_journal:failed_write_is_cut_off", "the next record must not be glued to half of one"),
    P("failed-journals-are-kept", 9, "src/state/journal.c", "if (lstat(name->data, &st) != 0 && errno == ENOENT)", "if (name->data != NULL)",
      "unit/state/test_journal_durable:failed_journals_are_kept", "none takes the place of another"),
    P("journal-of-another-store", 2, "src/state/journal.c", "if (is_of_another_store(journal, store_id) && !change_store(", "if (store_id == NULL && !change_store(",
      "unit/state/test_journal_store:one_store", "nothing of it is believed"),
    P("journal-of-another-store-in-a-dry-run", 2, "src/state/journal.c", "if (ok && ours && !is_of_another_store(&journal, store_id))", "if (ok && ours)",
      "cli/test_resync.Journal.test_dry_run_does_not_believe_the_journal_of_another_store", "nothing of it is believed"),
    P("signal-in-the-journal", "bounds", "src/state/records.c", "if (!interrupt_check(err))\n            goto out;", "",
      "unit/state/test_journal_store:signal_while_it_is_read", "a signal is noticed while a large journal is read"),
]
