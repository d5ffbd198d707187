"""12: no code of another role runs with our rights, and nobody may read more than before."""

from protection import P

GUARD, TRUST = "sql/postgresql/guard.sql", "cli/test_trust."
FIRST, SECOND = "sql/postgresql/0001_models.sql", "sql/postgresql/0002_identity.sql"
NAMED = TRUST + "Code.test_is_named_and_refused_by_run_and_restore"

ROWS = [
    P("names-are-qualified", 12, "sql/postgresql/list.sql", "name OPERATOR(pg_catalog.=) ANY ($1::text[])", "name = ANY ($1::text[])",
      "cli/test_search_path.SearchPath.test_each_file", "an operator of somebody else is found before the server's"),
    P("shape-names-are-qualified", 12, "sql/postgresql/shape.sql", "atttypid OPERATOR(pg_catalog.=) 'pg_catalog.int8'::regtype::oid", "atttypid = 'int8'::regtype",
      "cli/test_search_path.SearchPath.test_each_command", "an operator for (oid, regtype) is nobody's yet"),
    P("foreign-owner-is-not-adopted", 12, GUARD, "$2::text OPERATOR(pg_catalog.=) 'change' OR", "", TRUST + "Owners.test_a_table_of_a_foreign_owner_is_not_adopted",
      "its owner's code would run"),
    P("superusers-are-not-lent", 12, GUARD, "'write' AND me.rolsuper)", "'never')", TRUST + "Owners.test_nor_written_to_by_a_superuser",
      "the owner of a table runs what he likes as who writes to it"),
    P("membership-counts", 12, GUARD, "SELECT m.roleid FROM pg_catalog.pg_auth_members m JOIN trusted t ON m.member OPERATOR(pg_catalog.=) t.role",
      "SELECT oid FROM me", TRUST + "Owners.test_a_role_that_this_one_belongs_to_is_no_foreigner", "a team's tables belong to the team"),
    P("guard-before-a-batch", 12, "src/store/postgres/put.c", 'postgres_guard_write(pg, want == COPY_CHUNKS ? "model_chunks" : "models", err)', "pg != NULL",
      NAMED, "a foreign trigger is seen before it fires"),
    P("guard-before-a-record", 12, "src/store/postgres/runs.c", 'postgres_guard_write(pg, "model_runs", err)', "pg != NULL", NAMED,
      "the record of a run is a write too"),
    P("guard-before-a-revision", 12, "src/store/postgres/database.c", "postgres_guard_change(pg, err)", "pg != NULL", TRUST + "Code.test_is_not_adopted",
      "the hashing of adopted rows fires triggers"),
    P("guard-before-reading", 12, "src/store/postgres/database.c", "postgres_guard_read(pg, err)", "pg != NULL",
      TRUST + "Code.test_is_refused_to_readers_where_reading_runs_it", "the planner evaluates what an index is made of"),
    P("superusers-read-no-views", 12, "src/store/postgres/session/connect.c", 'no_views ? "', 'false ? "', "store/test_store_faults:views_are_not_read",
      "a view is code of its owner"),
    P("no-grants-under-rls", 12, FIRST, "AND NOT c.relrowsecurity AND NOT c.relforcerowsecurity", "", TRUST + "Grants.test_none_under_row_level_security",
      "who may read some rows may not read all chunks"),
    P("views-ask-as-the-reader", 12, SECOND, "EXECUTE pg_catalog.format('ALTER VIEW %s SET (security_invoker = true)', seen.name);", "NULL;", TRUST + "Grants.test_row_level_security_that_comes_later_goes_for_the_views",
      "a view looks with its owner's eyes"),
    P("earlier-grants-are-taken-back", 12, SECOND, "EXECUTE pg_catalog.format('REVOKE SELECT ON %s FROM %s', seen.name, seen.reader);", "NULL;",
      TRUST + "Grants.test_what_an_earlier_release_handed_on_is_taken_back", "what 0.1.0 handed on"),
    P("views-of-their-own-readers", 12, SECOND, "(guarded OR NOT seen.has_own_readers)", "(guarded OR true)", TRUST + "Grants.test_who_reads_a_view_alone_goes_on_reading_it",
      "what serves readers today goes on serving them"),
    P("copies-are-other-stores", 2, "sql/postgresql/identity.sql", "$1::text, d.oid::text)", "$1::text)", "store/test_store_schema:identity",
      "a template copy has the same row"),
]
