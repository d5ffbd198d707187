"""12: what the planner evaluates is code that reading runs."""

from protection import P

GUARD, CODE = "sql/postgresql/guard.sql", "cli/test_trust.Code."

ROWS = [
    P("tables-that-inherit", 12, GUARD, "SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN family f ON i.inhparent OPERATOR(pg_catalog.=) f.table_oid",
      "SELECT table_oid FROM family", CODE + "test_of_tables_that_inherit_too", "they are read with the table"),
    P("statistics-are-evaluated", 12, GUARD, "pg_catalog.pg_statistic_ext s ON s.stxrelid OPERATOR(pg_catalog.=) o.oid", "pg_catalog.pg_statistic_ext s ON false",
      CODE + "test_is_refused_to_readers_where_reading_runs_it", "expressions of extended statistics"),
    P("constraints-are-evaluated", 12, GUARD, "FROM ours o JOIN pg_catalog.pg_constraint k ON k.conrelid OPERATOR(pg_catalog.=) o.oid",
      "FROM ours o JOIN pg_catalog.pg_constraint k ON k.conrelid OPERATOR(pg_catalog.=) o.oid WHERE $2::text OPERATOR(pg_catalog.<>) 'read'",
      CODE + "test_is_refused_to_readers_where_reading_runs_it", "constraint exclusion"),
    P("domains-over-domains", 12, GUARD, "unnest(ARRAY[t.typbasetype, t.typelem])", "unnest(ARRAY[t.typelem])", CODE + "test_is_named_and_refused_by_run_and_restore",
      "a check of the inner one runs too"),
    P("elements-of-arrays", 12, GUARD, "unnest(ARRAY[t.typbasetype, t.typelem])", "unnest(ARRAY[t.typbasetype])", CODE + "test_is_named_and_refused_by_run_and_restore",
      "they are checked too"),
]
