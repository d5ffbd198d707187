"""The store in one file: which it is, who makes it, and what is said."""

from protection import P

ROWS = [
    P("file-default-is-told", "a lost variable is noticed", "src/cmd/command.c",
      'log_loud_warning("no database is named; the store is', 'log_line(LOG_WARN, "no database is named; the store is',
      "cli/test_sqlite.Default.test_first_run_makes_it_and_says_so", "even with -q"),
    P("file-missing-is-refused", 2, "src/cmd/command.c", "if (missing && !makes) {", "if (missing && !makes && named) {",
      "cli/test_sqlite.Default.test_commands_that_read_make_nothing", "with the way to make it"),
    P("file-dry-run-makes-none", 5, "src/cmd/command.c",
      "if (options->dry_run)\n        store_target_may_be_missing(target);\n    else if (makes)", "if (makes)",
      "cli/test_sqlite.Default.test_dry_run_plans_and_makes_nothing", "writes nothing"),
    P("file-blank-is-new", 4, "src/schema/schema.c", "return upgrade || blank ?", "return upgrade ?",
      "cli/test_sqlite.Default.test_empty_file_is_a_new_one", "of a run that was killed as it made the file"),
    P("file-between-revisions-is-new", 4, "src/store/sqlite/database.c", "*blank = count == 0 || (sq->has_tables && used == 0);", "*blank = count == 0;",
      "cli/test_sqlite.Default.test_first_revision_without_a_row_is_brought_to_head", "of a run that was killed between two revisions"),
    P("file-with-rows-is-not-new", 2, "src/store/sqlite/database.c", "(sq->has_tables && used == 0)", "sq->has_tables",
      "cli/test_sqlite.Default.test_first_revision_with_a_row_is_not_brought_to_head_unasked", "an upgrade is asked for"),
    P("file-mode", 10, "src/store/sqlite/session/target.c", "O_CLOEXEC | O_NOFOLLOW, 0600)", "O_CLOEXEC | O_NOFOLLOW, 0644)",
      "cli/test_sqlite.Default.test_first_run_makes_it_and_says_so", "0600, whatever the umask"),
    P("file-without-locks", 9, "src/store/sqlite/verify.c", "if (((const SqliteTarget *)sq->base.target)->immutable)", "if (false)",
      "cli/test_sqlite.Trouble.test_file_without_locks_is_no_proof", "what another program takes back is not seen"),
    P("file-ledger", 12, "src/store/sqlite/session/guard.c", "on_ours = on_ours || strcasecmp(", "on_ours = on_ours && strcasecmp(",
      "cli/test_sqlite.Trouble.test_foreign_trigger_on_the_ledger_is_refused", "an upgrade writes there"),
    P("file-inside-of-a-model", 8, "src/flow/run/compare.c", "source_tree_spare(&run->tree, store_target_file(settings->retry->target), err) &&", "",
      "cli/test_sqlite.Trouble.test_file_inside_of_a_model_is_no_store", "whoever closes the file gives up the locks on it"),
    P("file-pipe-beside", 9, "src/store/sqlite/session/connection.c",
      'if (!S_ISREG(status.st_mode)) return err_set(err, ERR_USAGE, "%s%s is no regular file"',
      'if (false) return err_set(err, ERR_USAGE, "%s%s is no regular file"',
      "cli/test_sqlite.Trouble.test_pipes_beside_the_file_are_not_waited_for", "whoever may write into the folder could stop every command", True),
    P("file-journal-beside", 9, "src/store/sqlite/session/connection.c", "if (!target->immutable || status.st_size == 0)", "if (status.st_size >= 0)",
      "cli/test_sqlite.Trouble.test_what_stands_beside_a_file_without_locks_is_not_passed_over", "pages that are to be taken back would be read"),
]
