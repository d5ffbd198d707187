"""7: a COMMIT whose answer is lost is resolved by asking the store."""

from protection import P

ROWS = [
    P("lost-commit-is-looked-up", 7, "src/flow/run/recover.c",
      "*committed = found > 0;",
      "found = 0;\n"
      "    *committed = false;",
      "fault/test_connection.LostCommit.test_after_it_was_applied", "it may have been applied"),
    P("lost-commit-is-not-assumed", 7, "src/flow/run/recover.c",
      "    if (found == 0)\n"
      "        return true;\n"
      "    log_line",
      "    *committed = true;\n"
      "    log_line",
      "fault/test_connection.LostCommit.test_before_it_was_applied", "it may not have been applied"),
    P("lost-commit-waits-for-writers", 7, "src/flow/run/recover.c",
      "if (worker->outcome_unknown && !store_wait_writers(worker->store, err))", "if (false)",
      "fault/test_kill.KillTest.test_lost_answer_of_a_slow_commit", "the server may still be at it"),
    P("lost-commit-by-run", 7, "src/flow/run/recover.c", "strcmp(found->run_id, worker->run->run_id) == 0 &&", "",
      "fault/test_connection.LostCommit.test_another_run_has_stored_it_meanwhile", "the row may be another run's"),
    P("panic-is-no-refusal", 7, "src/store/postgres/session/transaction.c", "&& pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK;", ";",
      "fault/test_full_disk.FullWalInCommit.test_panic_behind_the_commit", "the last words of a server that panics are no answer"),
    P("unknown-commit-keeps-backup", 7, "src/flow/run/recover.c",
      "if (worker->outcome_unknown || (worker->part", "if ((worker->part",
      "fault/test_connection.LostCommit.test_applied_and_the_store_stays_away", "rows whose COMMIT nobody answers for stay in the backup"),
    P("unknown-commit-is-not-finished", 7, "src/flow/run/run.c", "if (run->backup == NULL || run->outcome_unknown)", "if (run->backup == NULL)",
      "fault/test_connection.LostCommit.test_applied_and_the_store_stays_away", "no MANIFEST vouches for rows that may not be there"),
    P("commit-that-was-a-rollback", 7, "src/store/postgres/session/transaction.c",
      'bool ok = strcmp(PQcmdStatus(result), "COMMIT") == 0;', "bool ok = result != NULL;",
      "store/test_store_postgres:commit_of_a_failed_transaction", "the server answers ROLLBACK, and no error"),
    P("commit-is-waited-for", 7, "src/store/postgres/session/wire.c",
      "interrupt_signal() != 0 && !pg->committing;", "interrupt_signal() != 0;",
      "fault/test_signals.Signals.test_late_answer_to_commit", "a signal does not make the answer to COMMIT a lost one"),
]
