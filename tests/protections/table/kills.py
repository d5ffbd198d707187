"""4: after SIGKILL the same command ends in the state of an uninterrupted run."""

from protection import P

ROWS = [
    P("clean-up-goes-on", 4, "src/source/removal.c", "*resumed = ok && cut_off;", "*resumed = false;",
      "cli/test_cleanup_faults.Directories.test_what_a_kill_left_whole_is_taken_up_by_the_same_plan", "a killed clean-up is taken up"),
    P("leftovers-in-the-tree", 4, "src/source/scan/walk.c", "const char *leftover = rules_leftover_reason(name);", "const char *leftover = NULL;",
      "cli/test_cleanup_faults.Directories.test_what_a_kill_left_is_reported_and_never_stored", "what a kill left is never stored as a model"),
    P("run-lock", 4, "src/state/lock.c", "if (file_lock_try(fd))", "if (fd >= 0)",
      "cli/test_two_runs.Lock.test_held_lock_is_exit_11_and_nothing_is_changed", "two runs with one state folder"),
    P("run-lock-is-the-named-file", 4, "src/state/lock.c", "if (file_lock_is_named(fd, path)) {", "if (fd >= 0) {",
      "unit/state/test_lock:lock_file_removed_at_the_last_moment", "a lock on a file that has lost its name locks nothing"),
    P("get-cleans-up", 4, "src/source/unpack/dest.c",
      "    if (dest->pending)\n"
      "        (void)fs_remove_tree(dest->parent, dest->temp, NULL);\n",
      "",
      "cli/test_get.NothingLeft.test_interrupted", "a get that failed leaves nothing"),
]
