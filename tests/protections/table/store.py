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
]
