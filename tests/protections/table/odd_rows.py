"""11: rows that no command can work with are named, and cost nobody else anything."""

from protection import P

ODD, LIST = "cli/test_odd_rows.", "src/store/postgres/list.c"

ROWS = [
    P("no-batch-no-skip", 11, "src/store/store.c", "err->cls = whole;", ";", ODD + "Adoption.test_members_of_another_kind",
      "exit 3 says that the others are done"),
    P("odd-rows-in-a-run", 11, "src/flow/run/compare.c", "odd_rows_warn(odd);", "", ODD + "Versions.test_each_command_names_them_and_goes_on",
      "nothing is passed by in silence"),
    P("odd-rows-in-an-audit", 11, "src/flow/audit/rows.c", "odd_rows_warn(&listing.rows.odd);", "", ODD + "Versions.test_each_command_names_them_and_goes_on",
      "nothing is passed by in silence"),
    P("odd-rows-are-few-lines", 11, "src/flow/odd.c", "i < TOLD_AT_MOST ? LOG_WARN", "true ? LOG_WARN", ODD + "Versions.test_only_the_first_ones_are_warnings",
      "an adopted table may have a million"),
    P("hidden-names-get-no-version", 11, "src/model/plan.c", "if (group->is_hidden && model->state == MODEL_NEW", "if (false && model->state == MODEL_NEW",
      ODD + "Versions.test_no_version_is_stored_that_readers_would_not_get", "version 1 beside 20260101120000 is never read"),
    P("hidden-names-stay", 11, "src/flow/audit/pair.c", "if (row->live_version == stored->version && row->hidden_by == NULL)", "if (row->live_version == stored->version)",
      ODD + "Versions.test_what_readers_do_not_get_stays", "readers get another row"),
    P("get-gives-no-other-row", 11, "src/cmd/get.c", "(choice->wanted >= 0 || refuse_odd(store, choice, err)) &&", "", ODD + "Versions.test_get_gives_no_other_row_for_it",
      "the latest is not the one that it can fetch"),
    P("text-as-it-is", 11, "src/store/postgres/session/connect.c", "\"; SET LOCAL client_encoding = 'SQL_ASCII'\" : \"\"", '"" : ""',
      ODD + "Encodings.test_text_of_no_known_encoding", "one row that is no UTF-8 ends every listing"),
    P("names-are-utf-8", 11, LIST, "!is_text(row, 0) || receiver->model_fn", "receiver->model_fn", ODD + "Encodings.test_text_of_no_known_encoding",
      "what is above the store holds names for UTF-8"),
    P("far-times-are-none", 11, "sql/postgresql/list.sql", "created_at OPERATOR(pg_catalog.<) '290000-01-01'", "true", ODD + "Values.test_times_that_64_bits_do_not_count",
      "an error of one row ends the listing"),
    P("far-pasts-are-none", 11, "sql/postgresql/list.sql", "created_at OPERATOR(pg_catalog.>) '4000-01-01 BC'", "true", ODD + "Values.test_times_that_64_bits_do_not_count",
      "an error of one row ends the listing"),
    P("no-payload-is-no-file", 11, "src/store/postgres/fetch.c", "PQgetisnull(fetch->piece, 0, 2) &&", "false &&", ODD + "Values.test_rows_without_a_payload",
      "an empty file is not what the row says"),
    P("unknown-digests-are-not-shown", 11, "src/report/line.c", "digest != NULL && digest_is_known(digest)", "digest != NULL", ODD + "Values.test_rows_without_a_payload",
      "64 zeros look like a digest"),
    P("unreadable-payloads-are-damaged", 9, "src/store/postgres/verify.c", 'strcmp(err->code, "XX001") == 0', "false", ODD + "Values.test_a_payload_that_the_server_cannot_read",
      "check is there to find them"),
    P("adopted-columns-are-looked-at", 11, "sql/postgresql/0001_models.sql", "IF wrong IS NOT NULL THEN RAISE EXCEPTION 'the table models cannot be adopted: %', wrong USING ERRCODE = 'MM001', HINT = 'change these rows, or rename the column';",
      "IF false THEN RAISE EXCEPTION 'the table models cannot be adopted: %', wrong USING ERRCODE = 'MM001', HINT = 'change these rows, or rename the column';",
      ODD + "Adoption.test_columns_that_hold_something_else", "the row is named"),
]
