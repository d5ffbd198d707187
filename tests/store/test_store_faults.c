/* A server that refuses, vanishes, freezes or may not be written to: the class of the error says what to do, and nothing hangs. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include "server.h"

#define SLACK 1.5 /* seconds over the limit that a test allows */

/* --- refused ----------------------------------------------------------------------------------------------------------------- */

static void check_open_fails(const char *url, ErrClass cls, const char *sqlstate, const char *part)
{
    StoreTarget *other = target_of(url);
    Store *opened = NULL;
    ck_fails(store_open(other, &opened, NULL, &err), cls, part);
    ck_assert_str_eq(err.code, sqlstate);
    ck_assert_ptr_nonnull(strstr(err.text, store_target_label(other)));
    ck_assert_str_ne(err.hint, "");
    ck_assert_ptr_null(opened);
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
    store_target_free(other);
}

START_TEST(refused)
{
    char url[700];
    const char *port = getenv("PGPORT");
    snprintf(url, sizeof url, "postgresql://password_user:hunter2@127.0.0.1:%s/%s", port, database);
    check_open_fails(url, ERR_STOP, "28P01", "password authentication failed");
    snprintf(url, sizeof url, "postgresql://password_user@127.0.0.1:%s/%s?passfile=/nonexistent", port, database);
    check_open_fails(url, ERR_STOP, "", "no password supplied");
    snprintf(url, sizeof url, "postgresql://tester@127.0.0.1:%s/no_such_database", port);
    check_open_fails(url, ERR_STOP, "3D000", "no_such_database");
    snprintf(url, sizeof url, "postgresql://nobody_here@127.0.0.1:%s/%s", port, database);
    check_open_fails(url, ERR_STOP, "28000", "nobody_here");
    check_open_fails("postgresql://tester@127.0.0.1:1/models", ERR_RETRY, "", "refused");
    check_open_fails("postgresql:///models?host=/nonexistent", ERR_RETRY, "", "No such file");
}
END_TEST

START_TEST(password_over_tcp)
{
    char url[600];
    snprintf(url, sizeof url, "postgresql+psycopg2://password_user:let%%20me%%20in@127.0.0.1:%s/%s", getenv("PGPORT"), database);
    StoreTarget *other = target_of(url);
    Store *opened = open_store(other);
    ck_assert(store_alive(opened));
    Found found = {0};
    ck_fails(store_catalog(opened, note_found, &found, &err), ERR_STOP, "permission denied");
    ck_assert_str_eq(err.code, "42501");
    ck_assert(store_alive(opened));
    store_close(opened);
    store_target_free(other);
}
END_TEST

START_TEST(no_session_more)
{
    char url[600];
    Store *opened = NULL;
    bool full = false;
    snprintf(url, sizeof url, "postgresql://password_user:let%%20me%%20in@127.0.0.1:%s/%s", getenv("PGPORT"), database);
    StoreTarget *other = target_of(url), *away = target_of("postgresql://tester@127.0.0.1:1/models");
    sql("models", "ALTER ROLE password_user CONNECTION LIMIT 0");
    ck_fails(store_open(other, &opened, &full, &err), ERR_RETRY, "too many connections");
    ck_assert(full);
    sql("models", "ALTER ROLE password_user CONNECTION LIMIT -1");
    ck_fails(store_open(away, &opened, &full, &err), ERR_RETRY, "refused");
    ck_assert(!full);
    store_target_free(other);
    store_target_free(away);
}
END_TEST

static StoreTarget *socket_target(void)
{
    char url[700];
    snprintf(url, sizeof url, "host='%s' port=%s dbname=%s user=tester", getenv("PGHOST"), getenv("PGPORT"), database);
    return target_of(url);
}

START_TEST(unix_socket)
{
    StoreTarget *other = socket_target();
    Store *opened = open_store(other);
    ck_ok(put_one(opened, "x", 1, &err));
    store_close(opened);
    store_target_free(other);
}
END_TEST

/* A socket that accepts and never says a word. */
static int silent_listener(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

START_TEST(silent_server)
{
    char url[600];
    int port, fd = silent_listener(&port);
    double start = clock_seconds();
    snprintf(url, sizeof url, "postgresql://tester@127.0.0.1:%d/models", port);
    check_open_fails(url, ERR_RETRY, "", "no answer within 2 seconds");
    ck_assert_double_lt(clock_seconds() - start, quick.connect_timeout + SLACK);

    /* The next host of the list is tried. */
    snprintf(url, sizeof url, "postgresql://tester@127.0.0.1:%d,127.0.0.1:%s/%s?connect_timeout=1", port, getenv("PGPORT"),
             database);
    start = clock_seconds();
    StoreTarget *two = target_of(url);
    Store *opened = open_store(two);
    ck_assert_double_lt(clock_seconds() - start, 1 + SLACK);
    ck_ok(put_one(opened, "x", 1, &err));
    store_close(opened);
    store_target_free(two);
    close(fd);
}
END_TEST

/* --- lost -------------------------------------------------------------------------------------------------------------------- */

static void terminate_backend(void)
{
    char query[128];
    snprintf(query, sizeof query, "SELECT pg_terminate_backend(%ld, 5000)", (long)backend_of(database));
    ck_assert_str_eq(sql("models", query), "t");
}

static void check_retry(bool ok, double started)
{
    ck_assert_msg(!ok, "succeeded");
    ck_assert_msg(err.cls == ERR_RETRY, "%s: %s", err_class_name(err.cls), err.text);
    ck_assert_ptr_nonnull(strstr(err.text, store_target_label(target)));
    store_rollback(store); /* does not wait for a dead server once more */
    ck_assert_double_lt(clock_seconds() - started, quick.timeout + SLACK);
    ck_assert(!store_alive(store));
    ck_assert(!store_begin(store, &err) && err.cls == ERR_RETRY); /* a lost session stays lost */
    store_rollback(store);
    store_close(store);
    store = NULL;
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "0");
}

START_TEST(killed_before_begin)
{
    terminate_backend();
    check_retry(store_begin(store, &err), clock_seconds());
}
END_TEST

START_TEST(killed_inside_copy)
{
    Spool payload;
    fill_spool(&payload, 8 << 20, 1, 16 << 20);
    StoredModel row = row_of("x", 1, &payload), next = row_of("y", 1, &payload);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    terminate_backend();
    check_retry(store_put(store, &next, &payload, &err), clock_seconds());
    spool_free(&payload);
}
END_TEST

START_TEST(killed_before_commit)
{
    Spool payload;
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel row = row_of("x", 1, &payload);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    terminate_backend();
    StoreOutcome outcome = STORE_UNKNOWN;
    check_retry(store_commit(store, &outcome, &err), clock_seconds());
    ck_assert_int_eq(outcome, STORE_REFUSED); /* COMMIT did not go out */
    spool_free(&payload);
}
END_TEST

/* --- frozen ------------------------------------------------------------------------------------------------------------------ */

static pid_t frozen;

static void freeze(void)
{
    frozen = backend_of(database);
    ck_assert_int_eq(kill(frozen, SIGSTOP), 0);
}

static void thaw(void)
{
    ck_assert_int_eq(kill(frozen, SIGCONT), 0);
}

static bool catalog_now(void)
{
    Found found = {0};
    return store_catalog(store, note_found, &found, &err);
}

START_TEST(frozen_before_begin)
{
    freeze();
    check_retry(store_begin(store, &err), clock_seconds());
    thaw();
}
END_TEST

START_TEST(frozen_before_catalog)
{
    freeze();
    check_retry(catalog_now(), clock_seconds());
    thaw();
}
END_TEST

static void freeze_inside_copy(void)
{
    Spool small, large;
    fill_spool(&small, 1000, 1, 1 << 20);
    fill_spool(&large, 64 << 20, 1, 4096); /* more than socket buffers hold */
    StoredModel first = row_of("first", 1, &small), row = row_of("x", 1, &large);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &first, &small, &err)); /* opens the COPY */
    freeze();
    check_retry(store_put(store, &row, &large, &err), clock_seconds());
    thaw();
    spool_free(&small);
    spool_free(&large);
}

START_TEST(frozen_inside_copy)
{
    freeze_inside_copy();
}
END_TEST

/* No tcp_user_timeout helps here. */
START_TEST(frozen_unix_socket)
{
    teardown();
    target = socket_target();
    store = open_store(target);
    freeze_inside_copy();
}
END_TEST

START_TEST(frozen_before_commit)
{
    Spool payload;
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel row = row_of("x", 1, &payload);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    freeze();
    check_retry(store_commit(store, NULL, &err), clock_seconds());
    thaw();
    spool_free(&payload);
}
END_TEST

/* The server goes on with a COMMIT whose client gave up waiting. */
START_TEST(lost_answer_to_commit)
{
    StoreOutcome outcome = STORE_REFUSED;
    Spool payload;
    sql(database, "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(3); RETURN NULL; END$$;"
                  "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON models DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
                  "slowly()");
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel row = row_of("x", 1, &payload);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_assert(!store_commit(store, &outcome, &err));
    ck_assert_int_eq(err.cls, ERR_RETRY);
    ck_assert_int_eq(outcome, STORE_UNKNOWN);
    reopen();
    while (!store_wait_writers(store, &err)) {
        ck_assert_int_eq(err.cls, ERR_RETRY);
        ck_assert_msg(strstr(err.text, "still open (pid ") != NULL && strstr(err.text, ", since ") != NULL, "%s", err.text);
    }
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "1");
    spool_free(&payload);
}
END_TEST

/* --- slow, but alive --------------------------------------------------------------------------------------------------------- */

/* A role that is no superuser reads a view in the place of a table, and a view can be slow. */
static Store *open_slowly(StoreTarget **slow)
{
    char url[600];
    if (sql(database, "SELECT 1 FROM pg_roles WHERE rolname = 'slow_reader'")[0] == '\0')
        sql(database, "CREATE ROLE slow_reader LOGIN");
    snprintf(url, sizeof url, "%s?user=slow_reader", url_of(database));
    *slow = target_of(url);
    return open_store(*slow);
}

/* A view is code of its owner, so a superuser reads none in the place of a table. */
START_TEST(views_are_not_read)
{
    Found found = {0};
    sql(database, "SET client_min_messages = error; ALTER TABLE models RENAME TO hidden; CREATE VIEW models AS SELECT * FROM hidden");
    ck_fails(store_catalog(store, note_found, &found, &err), ERR_STOP, "restricted");
    ck_assert(store_alive(store));
}
END_TEST

/* A proof takes the time that its bytes need, and a chunked one any time. */
START_TEST(slow_proof)
{
    StoreTarget *slow;
    StoreProof proofs[] = {{.name = "inline", .version = 1, .bytes = 128000000}, {.name = "chunked", .version = 1}};
    sql(database,
        "SET client_min_messages = error; DROP VIEW latest_models, model_catalog; ALTER TABLE models RENAME TO real_models;"
        "CREATE FUNCTION slowly(bytea, float) RETURNS bytea LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep($2); RETURN $1; END';"
        "INSERT INTO real_models (name, version, model_type, event, model_binary, stored_sha256, stored_bytes, chunk_count) VALUES "
        "('inline', 1, 't', 'e', 'x', sha256('x'), 1, 0), ('chunked', 1, 't', 'e', '', sha256('y'), 8, 8);"
        "INSERT INTO model_chunks SELECT 'chunked', 1, i, 'y', sha256('y') FROM generate_series(0, 7) i;"
        "ALTER TABLE model_chunks RENAME TO real_chunks;"
        "CREATE VIEW models AS SELECT name, version, content_sha256, stored_sha256, stored_bytes, chunk_count, tableoid, "
        "slowly(model_binary, 1.2) AS model_binary FROM real_models;"
        "CREATE VIEW model_chunks AS SELECT name, version, seq, tableoid, data, slowly(sha256, 0.7) AS sha256 FROM real_chunks;"
        "GRANT SELECT ON models, model_chunks TO PUBLIC");
    Store *reader = open_slowly(&slow);
    double start = clock_seconds();
    ck_ok(store_verify(reader, proofs, 2, &err));
    ck_assert_double_gt(clock_seconds() - start, 2.4 + 8 * 0.7);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(proofs[i].health, STORE_INTACT);
        ck_assert_int_eq(proofs[i].doubt, STORE_KEPT);
    }
    store_close(reader);
    store_target_free(slow);
}
END_TEST

/* An error at the start of a batch is seen within the next rows, not at its end. */
START_TEST(early_error)
{
    Spool payload;
    int put = 0;
    fill_spool(&payload, 1 << 20, 1, 2 << 20);
    StoredModel row = row_of("bad", 1, &payload);
    row.stored.byte[0] ^= 1;
    ck_ok(store_begin(store, &err));
    bool ok = store_put(store, &row, &payload, &err);
    row.stored.byte[0] ^= 1;
    while (ok && put < 20) {
        clock_sleep(0.1);
        row.version = ++put + 1;
        ok = store_put(store, &row, &payload, &err);
    }
    ck_assert_int_lt(put, 10);
    ck_assert_int_eq(err.cls, ERR_SKIP);
    ck_assert_str_eq(err.code, "23514");
    store_rollback(store);
    ck_assert(store_alive(store));
    ck_ok(put_one(store, "x", 1, &err));
    spool_free(&payload);
}
END_TEST

/* --- read-only --------------------------------------------------------------------------------------------------------------- */

START_TEST(read_only)
{
    char query[200];
    Found found = {0};
    StoreRun run = {.run_id = RUN_ID, .host = "h", .user_name = "u", .models_dir = "d", .program_version = "1"};
    ck_ok(put_one(store, "x", 1, &err));
    snprintf(query, sizeof query, "ALTER DATABASE %s SET default_transaction_read_only = on", database);
    sql("models", query);
    store_close(store);
    store = open_store(target);
    ck_ok(store_catalog(store, note_found, &found, &err)); /* reading is fine */
    ck_assert_str_eq(found.text, "x:1\n");
    ck_fails(store_begin(store, &err), ERR_READ_ONLY, "read-only");
    ck_assert_str_ne(err.hint, "");
    ck_fails(store_run_begin(store, &run, &err), ERR_READ_ONLY, "read-only");
    sql(database, "SET transaction_read_only = off; DELETE FROM migrate_models_revisions");
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_READ_ONLY, "read-only");
}
END_TEST

/* --- locks ------------------------------------------------------------------------------------------------------------------- */

START_TEST(locked_table)
{
    PGconn *other = admin(database);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE models IN ACCESS EXCLUSIVE MODE"));
    double start = clock_seconds();
    ck_fails(put_one(store, "x", 1, &err), ERR_RETRY, "lock timeout");
    ck_assert_str_eq(err.code, "55P03");
    ck_assert_double_lt(clock_seconds() - start, quick.lock_timeout + SLACK);
    ck_assert(store_alive(store));
    PQfinish(other);
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store faults");
    TCase *tcase = tcase_create("faults");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, password_over_tcp);
    tcase_add_test(tcase, no_session_more);
    tcase_add_test(tcase, unix_socket);
    tcase_add_test(tcase, silent_server);
    tcase_add_test(tcase, killed_before_begin);
    tcase_add_test(tcase, killed_inside_copy);
    tcase_add_test(tcase, killed_before_commit);
    tcase_add_test(tcase, frozen_before_begin);
    tcase_add_test(tcase, frozen_before_catalog);
    tcase_add_test(tcase, frozen_inside_copy);
    tcase_add_test(tcase, frozen_unix_socket);
    tcase_add_test(tcase, frozen_before_commit);
    tcase_add_test(tcase, lost_answer_to_commit);
    tcase_add_test(tcase, views_are_not_read);
    tcase_add_test(tcase, slow_proof);
    tcase_add_test(tcase, early_error);
    tcase_add_test(tcase, read_only);
    tcase_add_test(tcase, locked_table);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
