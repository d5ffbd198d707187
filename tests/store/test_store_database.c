/* The store as a database: what the engine of revisions stands on. */
#include <signal.h>

#include "../../src/schema/ledger.h"
#include "base/interrupt.h"
#include "both.h"
#include "store/database.h"

static void run(const char *script)
{
    ck_ok(database_begin(store, true, &err));
    ck_ok(database_run(store, script, NULL, &err));
    StoreOutcome outcome = STORE_UNKNOWN;
    ck_ok(database_commit(store, &outcome, &err));
    ck_assert_int_eq(outcome, STORE_COMMITTED);
}

/* Values of a query, with | between the columns and a newline behind each row. */
static bool join_row(void *ctx, const char *const *values, size_t count, Err *e)
{
    Buf *out = ctx;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = buf_format(out, e, "%s%s", i > 0 ? "|" : "", values[i] != NULL ? values[i] : "NULL");
    return ok && buf_text(out, "\n", e);
}

static void check_query(const char *query, const char *const *params, size_t count, const char *expected)
{
    Buf rows = {0};
    ck_ok(buf_text(&rows, "", &err));
    ck_ok(database_begin(store, false, &err));
    ck_ok(database_query(store, query, params, count, join_row, &rows, &err));
    database_rollback(store);
    ck_assert_str_eq(rows.data, expected);
    buf_free(&rows);
}

START_TEST(rows_are_text)
{
    const char *params[] = {"it's", NULL};
    run("CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, 'x')");
    check_query("SELECT a, b FROM t ORDER BY a", NULL, 0, "1|NULL\n2|x\n");
    check_query("SELECT CAST($1 AS text), CAST($2 AS text)", params, 2, "it's|NULL\n");
    check_query("SELECT a FROM t WHERE a > 7", NULL, 0, "");
}
END_TEST

static bool refuse_row(void *ctx, const char *const *values, size_t count, Err *e)
{
    (void)values;
    (void)count;
    ++*(int *)ctx;
    return err_set(e, ERR_STOP, "not this one");
}

START_TEST(caller_stops_the_rows)
{
    int seen = 0;
    ck_ok(database_begin(store, false, &err));
    ck_fails(database_query(store, "SELECT 1 UNION ALL SELECT 2", NULL, 0, refuse_row, &seen, &err), ERR_STOP, "not this one");
    database_rollback(store);
    ck_assert_int_eq(seen, 1);
    ck_assert(store_alive(store));
}
END_TEST

START_TEST(failed_script_leaves_nothing)
{
    static const char script[] = "CREATE TABLE \xc3\xa4 (x int);\n-- \xe6\xa8\xa1\xe5\x9e\x8b\nSELECT nothing FROM \xc3\xa4;\n";
    size_t position = 0;
    ck_ok(database_begin(store, true, &err));
    ck_fails(database_run(store, script, &position, &err), ERR_SCHEMA, "nothing");
    ck_assert_uint_eq(position, (size_t)(strstr(script, "nothing") - script)); /* bytes, where the server counts characters */
    database_rollback(store);
    bool has = true;
    ck_ok(database_begin(store, false, &err));
    ck_ok(database_has_table(store, "\xc3\xa4", &has, &err));
    database_rollback(store);
    ck_assert(!has);

    if (on_file)
        return; /* there it is NULL */
    ck_ok(database_begin(store, true, &err));
    ck_fails(database_run(store, "SELECT 1/0", &position, &err), ERR_SCHEMA, "zero");
    ck_assert_uint_eq(position, SIZE_MAX);
    database_rollback(store);
}
END_TEST

/* ALTER TABLE on a large table says nothing for hours. */
START_TEST(silent_script_is_waited_for)
{
    double start = clock_seconds();
    run("SELECT pg_sleep(2.6)");
    ck_assert_double_gt(clock_seconds() - start, quick.timeout + 0.5);
    ck_ok(database_begin(store, true, &err));
    ck_fails(database_query(store, "SELECT pg_sleep(30)", NULL, 0, NULL, NULL, &err), ERR_RETRY, "no answer"); /* a query is not */
    ck_assert(!store_alive(store));
}
END_TEST

START_TEST(signal_ends_the_wait)
{
    double start = clock_seconds();
    interrupt_set(SIGTERM);
    ck_ok(database_begin(store, true, &err));
    ck_fails(database_run(store, "SELECT pg_sleep(30)", NULL, &err), ERR_INTERRUPTED, "");
    ck_assert_double_lt(clock_seconds() - start, 5);
}
END_TEST

START_TEST(lock_is_one_sessions)
{
    Store *other = open_store(target);
    ck_ok(database_begin_locked(other, 77, &err));
    if (!on_file) { /* another lock; a file has one */
        ck_ok(database_begin_locked(store, 78, &err));
        database_rollback(store);
    }
    double start = clock_seconds();
    ck_fails(database_begin_locked(store, 77, &err), ERR_RETRY, on_file ? "locked" : "another process");
    ck_assert_double_ge(clock_seconds() - start, quick.lock_timeout);
    /* Nothing is open meanwhile that others would wait for. */
    if (!on_file)
        ck_assert_str_eq(ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE "
                             "'idle in transaction%'"),
                         "1");
    store_close(other); /* with its lock */
    ck_ok(database_begin_locked(store, 77, &err));
    database_rollback(store);
}
END_TEST

START_TEST(identifiers)
{
    static const char *const names[] = {"plain", "a b", "q\"uote", "Large", "select"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Buf script = {0};
        bool has = true;
        ck_ok(database_begin(store, true, &err));
        ck_ok(database_has_table(store, names[i], &has, &err));
        ck_assert(!has);
        ck_ok(buf_text(&script, "CREATE TABLE ", &err));
        ck_ok(database_identifier(&script, names[i], &err));
        ck_ok(buf_text(&script, " (a int)", &err));
        ck_ok(database_run(store, script.data, NULL, &err));
        ck_ok(database_has_table(store, names[i], &has, &err));
        ck_assert(has);
        database_rollback(store);
        buf_free(&script);
    }
}
END_TEST

static bool join_id(void *ctx, const char *id, const char *checksum, Err *e)
{
    return buf_format(ctx, e, "%s=%s ", id, checksum);
}

START_TEST(ledger_of_another_name)
{
    static const Ledger ledger = {.table = "team \"x\" revisions", .lock = 5};
    static const SchemaRevision first = {.id = "a", .slug = "s", .checksum = "1"};
    static const SchemaRevision second = {.id = "b", .down_id = "a", .slug = "s", .checksum = "2"};
    Buf all = {0};
    bool there = true;
    StoreOutcome outcome;
    ck_ok(database_begin(store, false, &err));
    ck_ok(ledger_applied(&ledger, store, join_id, &all, &err));
    database_rollback(store);
    ck_assert_uint_eq(all.len, 0);

    ck_ok(database_begin_locked(store, ledger.lock, &err));
    ck_ok(ledger_create(&ledger, store, &err));
    ck_fails(ledger_has(&ledger, store, &second, &there, &err), ERR_SCHEMA, "cannot be applied before a");
    ck_ok(ledger_has(&ledger, store, &first, &there, &err));
    ck_assert(!there);
    ck_ok(ledger_add(&ledger, store, &first, &err));
    ck_ok(ledger_has(&ledger, store, &first, &there, &err));
    ck_assert(there);
    ck_ok(ledger_add(&ledger, store, &second, &err));
    ck_ok(database_commit(store, &outcome, &err));

    ck_ok(database_begin(store, false, &err));
    ck_ok(ledger_applied(&ledger, store, join_id, &all, &err));
    database_rollback(store);
    ck_assert_str_eq(all.data, "a=1 b=2 ");
    ck_assert_str_eq(ask("SELECT count(*) FROM \"team \"\"x\"\" revisions\""), "2");
    ck_ok(database_begin(store, false, &err));
    ck_ok(database_has_table(store, "migrate_models_revisions", &there, &err));
    database_rollback(store);
    ck_assert(!there);
    buf_free(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store database");
    TCase *server = tcase_create("silence");
    const TTest *const tests[] = {rows_are_text,        caller_stops_the_rows, failed_script_leaves_nothing,
                                  lock_is_one_sessions, identifiers,           ledger_of_another_name};
    add_both(suite, true, tests, sizeof tests / sizeof *tests);
    tcase_set_timeout(server, 60);
    tcase_add_checked_fixture(server, set_up_bare_server, teardown);
    tcase_add_test(server, silent_script_is_waited_for);
    tcase_add_test(server, signal_ends_the_wait);
    suite_add_tcase(suite, server);
    return unit_run(suite);
}
