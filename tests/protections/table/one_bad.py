"""6: one bad model never costs another."""

from protection import P

ROWS = [
    P("batch-is-split", 6, "src/flow/run/recover.c",
      "if (worker->batch.count > 1) {\n"
      "        worker->row_cap",
      "if (worker->batch.count > 1000000) {\n"
      "        worker->row_cap",
      "fault/test_locks.Settings.test_check_of_the_user", "the innocent rows of a refused batch are stored"),
    P("bad-source-is-alone", 6, "src/flow/run/worker.c",
      "    if (err->cls != ERR_SKIP)\n"
      "        return false;\n"
      "    log_line",
      "    if (err->cls != ERR_NONE)\n"
      "        return false;\n"
      "    log_line",
      "cli/test_sources.NotModels.test_git_lfs_pointer", "a source that cannot be read costs no other"),
    P("data-error-is-one-row", 6, "src/store/postgres/session/error.c", '{"22", ERR_SKIP, "", REMEDY_NONE}', '{"22", ERR_STOP, "", REMEDY_NONE}',
      "unit/store/test_store_error:classes", "an error of one row does not stop the run"),
    P("lfs-pointer", 6, "src/source/sound.c", "if (magic_is_lfs_pointer(head, len))", "if (head == NULL)",
      "cli/test_sources.NotModels.test_git_lfs_pointer", "a pointer is no model"),
    P("empty-source", 6, "src/source/scan/walk.c", "if (st->st_size == 0)", "if (st->st_size < 0)",
      "unit/source/test_scan:test_what_only_looks_like_a_model", "a file of 0 bytes is no model"),
    P("unfit-name", 6, "src/model/identify.c",
      "if (problem != NULL) {\n"
      "        char reason[100];",
      "if (problem != NULL && name_len == 0) {\n"
      "        char reason[100];",
      "unit/model/test_identify:test_refusals", "a name that the store would refuse fails alone"),
    P("unreadable-folder-costs-no-other", 6, "src/source/scan/walk.c",
      "    if (err->cls != ERR_SKIP)\n"
      "        return false;\n"
      "    Model *model = walk_add(walk, kind, err);",
      "    if (err->cls != ERR_NONE)\n"
      "        return false;\n"
      "    Model *model = walk_add(walk, kind, err);",
      "cli/test_sources.Unreadable.test_directory", "the rest of the tree goes on"),
]
