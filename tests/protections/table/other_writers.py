"""Rows of other programs: hashed for names of the tree, once, and proven afresh."""

from protection import P

CLI, STORE = "cli/test_other_writers.OtherWriters.", "store/test_store_postgres:"

ROWS = [
    P("hash-only-names-of-the-tree", "speed", "src/flow/run/compare.c", "version->is_unhashed ? plan_group(unhashed->run->plan, version->name) : PLAN_NO_GROUP;",
      "PLAN_NO_GROUP;", CLI + "test_names_of_the_tree_are_hashed_once", "a row that is not hashed is never the same"),
    P("digests-of-the-same-row", 2, "sql/postgresql/digests_known.sql", "AND d.row_mark OPERATOR(pg_catalog.=) key.mark", "",
      CLI + "test_a_kept_digest_is_not_believed_of_another_row", "an update makes another row of the key"),
    P("digests-of-this-store", 2, "sql/postgresql/find.sql", "pg_catalog.concat_ws(' ', xmin::text, ctid::text, $2::text)", "pg_catalog.concat_ws(' ', xmin::text, ctid::text, left($2::text, 0))",
      STORE + "digests_are_kept", "in a copy xmin and ctid mean nothing"),
    P("a-proof-believes-no-digest", 9, "src/store/postgres/digests.c", "digests->count > 0 && pg->use_digests &&", "digests->count > 0 &&",
      STORE + "digests_are_kept", "check and cleanup hash now"),
    P("dry-run-keeps-nothing", 5, "src/flow/run/compare.c", "store_use_digests(run->store, !run->settings->dry_run);", "store_use_digests(run->store, true);",
      CLI + "test_names_of_the_tree_are_hashed_once", "a dry run writes nothing"),
    P("to-keep-is-no-duty", 6, "src/store/postgres/shape.c", "out->keeps_digests = PQgetvalue(answer, 0, 10)[0] == 't';", "out->keeps_digests = true;",
      CLI + "test_a_role_that_may_not_keep_them_runs_all_the_same", "a role may not write there"),
]
