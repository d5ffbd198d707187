"""What the store's interface and its drivers promise."""
from protection import P

ROWS = [
    P("a-kept-row-owns-its-strings", "record", "src/store/stored_model.c", "*string = arena_copy(arena, text, strlen(text), err);", "*string = text;",
      "unit/store/test_stored_model:copy_outlives_its_source", "a record that is kept must not point into the answer of the server"),
    P("kind-of-a-stored-row", "record", "src/store/postgres/catalog.c", "row.has_format = fields[4].len == 1;", "row.has_format = false;",
      "store/test_store_postgres:catalog_and_find", "a directory and a file with the same hash are not the same"),
    P("commit-that-did-not-go-out", 7, "src/store/postgres/put.c", "*outcome = STORE_REFUSED; /* no COMMIT went out yet */",
      "*outcome = STORE_UNKNOWN;",
      "store/test_store_faults:killed_before_commit", "what was never sent needs no question"),
    P("full-is-not-away", "sessions", "src/store/postgres/session/connect.c", '*full = strcmp(last.code, "53300") == 0;', "*full = false;",
      "store/test_store_faults:no_session_more", "fewer sessions than workers are enough"),
    P("one-writer-at-a-time", "one-writer", "src/flow/run/batch.c", "    pthread_mutex_lock(&worker->run->writer_lock);\n", "",
      "store/test_store_run:one_writer_at_a_time", "a store with one writer has nobody wait while a model is packed"),
    P("kept-payloads-are-bounded", "one-writer", "src/flow/run/keep.c", "keep->has_file || keep->memory_bytes >= memory_limit;", "keep->has_file;",
      "store/test_store_run:kept_payloads_are_bounded", "a kept batch has its part of --max-memory"),
    P("kept-rows-go-with-their-batch", "one-writer", "src/flow/run/batch.c", "    keep_clear(&worker->keep);\n", "",
      "store/test_store_run:refused_row_costs_no_other", "rows of a batch that failed are not put again with the next one"),
    P("taken-payload-is-its-own", "one-writer", "src/base/file/spool.c", "    spool_init(from, to->memory_limit, to->dir);\n", "",
      "unit/base/test_spool:taken_bytes_outlive_their_spool", "the packer reuses its memory"),
]
