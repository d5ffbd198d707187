/* Rows in and out of a real server. */
#include "../../src/store/postgres/calls.h"
#include "../../src/store/postgres/session/transaction.h"
#include "../../src/store/postgres/session/wire.h"

#include "server.h"

START_TEST(round_trip)
{
    Spool small, large, empty;
    Digest digest;
    char hex[65];
    fill_spool(&small, 3000, 1, 1 << 20);
    fill_spool(&large, 3 * 1024 * 1024 + 17, 2, 4096); /* from a file, in pieces */
    fill_spool(&empty, 0, 3, 4096);
    StoredModel a = row_of("dir/a", 1, &small), b = row_of("b", 2147483647, &large), c = row_of("c", 0, &empty);
    b.is_active = false;
    b.is_tar = true;
    b.is_gzip = false;
    b.source_path = "bad\xff path";
    b.source_mtime_ns = -1500; /* before 1970 */
    b.run_id = NULL;
    b.source_host = NULL;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &a, &small, &err));
    ck_ok(store_put(store, &b, &large, &err));
    ck_ok(store_put(store, &c, &empty, &err));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "0"); /* nothing is seen before the commit */
    ck_ok(store_commit(store, NULL, &err));

    ck_assert_str_eq(sql(database, "SELECT string_agg(concat_ws('|', name, version, model_type, event, is_active, raw_bytes, "
                                   "stored_bytes, format, encoding, "
                                   "chunk_count, source_host, source_path, extract(epoch FROM source_mtime), run_id, "
                                   "octet_length(model_binary)), E'\\n' ORDER BY id) "
                                   "FROM models"),
                     "dir/a|1|regression|ev|t|15000|3000|file|gzip|0|host1|models/a.joblib|1700000000.123456|" RUN_ID "|3000\n"
                     "b|2147483647|regression|ev|f|15728725|3145745|tar|identity|0|bad\\xff path|-0.000002|3145745\n"
                     "c|0|regression|ev|t|0|0|file|gzip|0|host1|models/a.joblib|1700000000.123456|" RUN_ID "|0");
    digest_hex(&b.stored, hex);
    ck_assert_str_eq(sql(database, "SELECT encode(sha256(model_binary), 'hex') FROM models WHERE name = 'b'"), hex);
    ck_assert_str_eq(sql(database, "SELECT stored_sha256 FROM model_catalog WHERE name = 'b'"), hex);
    ck_ok(sha256_once("b", 1, &digest, &err));
    digest_hex(&digest, hex);
    ck_assert_str_eq(sql(database, "SELECT content_sha256 FROM model_catalog WHERE name = 'b'"), hex);
    ck_assert_str_eq(
        sql(database, "SELECT abs(extract(epoch FROM created_at - now()::timestamp)) < 60 FROM models WHERE name = 'b'"), "t");
    spool_free(&small);
    spool_free(&large);
    spool_free(&empty);
}
END_TEST

START_TEST(catalog_and_find)
{
    Found found = {0};
    Digest content;
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 0);
    ck_ok(put_one(store, "x", 1, &err));
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_ok(sha256_once("x", 1, &content, &err)); /* what put_one says; not the hash of the stored bytes */
    ck_assert(digest_equal(&content, &found.last.content));
    ck_assert_str_eq(found.last.run_id, RUN_ID);
    ck_assert(found.last.has_format && !found.last.is_tar);
    found = (Found){0};
    ck_ok(put_one(store, "x", 3, &err));
    ck_ok(put_one(store, "y", 1, &err));
    sql(database, "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand', 7, 't', 'e', 'abc'), "
                  "('odd', -1, 't', 'e', '')");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_str_eq(found.text, "x:1\nx:3\ny:1\nhand:7\n");
    ck_ok(sha256_once("abc", 3, &content, &err));
    ck_assert(found.last.is_unhashed);
    ck_assert_str_eq(found.last.run_id, "");
    ck_assert(!found.last.has_format); /* nobody recorded what it is */

    const char *names[] = {"nothing", "x", "hand"};
    found = (Found){0};
    ck_ok(store_find(store, names, 3, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 3);
    ck_assert_ptr_nonnull(strstr(found.text, "x:1\n"));
    ck_assert_ptr_nonnull(strstr(found.text, "x:3\n"));
    ck_assert_ptr_nonnull(strstr(found.text, "hand:7\n"));
    found = (Found){0};
    ck_ok(store_find(store, names + 2, 1, note_found, &found, &err));
    ck_assert(!found.last.is_unhashed && digest_equal(&content, &found.last.content)); /* hashed by the server */
    found = (Found){0};
    ck_ok(store_find(store, names + 1, 1, note_found, &found, &err));
    ck_assert_str_eq(found.last.run_id, RUN_ID);
    ck_ok(sha256_once("x", 1, &content, &err));
    ck_assert(digest_equal(&content, &found.last.content));
    found = (Found){0};
    ck_ok(store_find(store, names, 0, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* The digest that store_find tells of hand@1. */
static Digest digest_of_hand(Store *asked)
{
    const char *names[] = {"hand"};
    Found found = {0};
    ck_ok(store_find(asked, names, 1, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 1);
    ck_assert(!found.last.is_unhashed);
    return found.last.content;
}

/* What was worked out once is believed while the row is the same, by sessions that want it. */
START_TEST(digests_are_kept)
{
    Digest abc, lie, told;
    ck_ok(sha256_once("abc", 3, &abc, &err));
    ck_ok(sha256_once("lie", 3, &lie, &err));
    sql(database, "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand', 1, 't', 'e', 'abc')");
    told = digest_of_hand(store);
    ck_assert(digest_equal(&told, &abc));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM model_digests"), "0"); /* a reader writes nothing */
    store_use_digests(store, true);
    told = digest_of_hand(store);
    ck_assert(digest_equal(&told, &abc));
    ck_assert_str_eq(sql(database, "SELECT concat_ws('|', name, version, sha256 = sha256('abc')) FROM model_digests"), "hand|1|t");
    sql(database, "UPDATE model_digests SET sha256 = sha256('lie')");
    told = digest_of_hand(store);
    ck_assert(digest_equal(&told, &lie)); /* it was not hashed again */
    Store *other = open_store(target);
    told = digest_of_hand(other);
    ck_assert(digest_equal(&told, &abc)); /* a proof believes nothing */
    store_use_digests(other, false);
    told = digest_of_hand(other);
    ck_assert(digest_equal(&told, &lie));
    sql(database, "UPDATE models SET event = 'f'"); /* another row */
    told = digest_of_hand(other);
    ck_assert(digest_equal(&told, &abc));
    ck_assert_str_eq(sql(database, "SELECT sha256 = sha256('lie') FROM model_digests"), "t"); /* not kept by this one */
    told = digest_of_hand(store);
    ck_assert_str_eq(sql(database, "SELECT sha256 = sha256('abc') FROM model_digests"), "t");
    sql(database, "UPDATE model_digests SET sha256 = sha256('lie'); UPDATE store_identity SET store_id = gen_random_uuid()");
    store_close(other);
    other = open_store(target);
    store_use_digests(other, false);
    told = digest_of_hand(other);
    ck_assert(digest_equal(&told, &abc)); /* in a copy xmin and ctid mean nothing */
    store_close(other);
    sql(database, "DROP TABLE model_digests"); /* to keep them is no duty */
    told = digest_of_hand(store);
    ck_assert(digest_equal(&told, &abc));
}
END_TEST

/* More rows than go into one query, with and without a payload. */
START_TEST(many_rows_without_digests)
{
    enum { ROWS = 1203 };
    const char *names[] = {"hand"};
    Found found = {0};
    sql(database, "ALTER TABLE models ALTER model_binary DROP NOT NULL; INSERT INTO models (name, version, model_type, event, model_binary) "
                  "SELECT 'hand', i, 't', 'e', convert_to(i::text, 'UTF8') FROM generate_series(1, 1203) i");
    sql(database, "UPDATE models SET model_binary = NULL WHERE version IN (1, 600)");
    store_use_digests(store, true);
    for (int round = 0; round < 2; round++) {
        found = (Found){0};
        ck_ok(store_find(store, names, 1, note_found, &found, &err));
        ck_assert_uint_eq(found.count, ROWS);
        ck_assert_uint_eq(found.unhashed, 2);
        ck_assert_str_eq(sql(database, "SELECT concat_ws('|', count(*), bool_and(d.sha256 = sha256(m.model_binary))) FROM model_digests d "
                                       "JOIN models m USING (name, version)"),
                         "1201|t");
    }
}
END_TEST

static bool note_listed(void *ctx, const StoredModel *model, Err *e)
{
    (void)e;
    *(StoredModel *)ctx = *model;
    return true;
}

/* The second digest of a directory, wherever a row is told of; NULL when it is not known; not there at all before revision 0002. */
START_TEST(members_of_a_directory)
{
    Found found = {0};
    StoredModel listed = {0};
    Spool payload;
    const char *name = "dir";
    fill_spool(&payload, 3000, 1, 1 << 20);
    StoredModel row = row_of(name, 1, &payload);
    row.is_tar = row.has_members = true;
    memset(&row.members, 7, sizeof row.members);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert(found.last.has_members && digest_equal(&found.last.members, &row.members));
    found = (Found){0};
    ck_ok(store_find(store, &name, 1, note_found, &found, &err));
    ck_assert(found.last.has_members && digest_equal(&found.last.members, &row.members));
    ck_ok(store_list(store, NULL, note_listed, &listed, &err));
    ck_assert(listed.has_members && digest_equal(&listed.members, &row.members));
    row.version = 2;
    row.has_members = false;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_ok(store_list(store, &(StoreFilter){&name, 1, &row.version}, note_listed, &listed, &err));
    ck_assert(!listed.has_members);
    sql(database, "ALTER TABLE models DROP COLUMN members_sha256");
    found = (Found){0};
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert(found.count == 2 && !found.last.has_members && found.last.is_tar);
    found = (Found){0};
    ck_ok(store_find(store, &name, 1, note_found, &found, &err));
    ck_assert(found.count == 2 && !found.last.has_members);
    spool_free(&payload);
}
END_TEST

START_TEST(hostile_names)
{
    static const char *const names[] = {
        "a\"b", "back\\slash", "{curly,comma}", "NULL", "it's; DROP TABLE models; --", " blank ", "\xc3\xa9\xf0\x9f\x98\x80", "\\.",
        "",     "%s%n",        "\\x41"};
    size_t count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++)
        ck_ok(put_one(store, names[i], (int32_t)i, &err));
    for (size_t i = 0; i < count; i++) {
        Found found = {0};
        char expected[128];
        snprintf(expected, sizeof expected, "%s:%zu\n", names[i], i);
        ck_ok(store_find(store, &names[i], 1, note_found, &found, &err));
        ck_assert_str_eq(found.text, expected);
    }
    Found all = {0};
    ck_ok(store_find(store, names, count, note_found, &all, &err));
    ck_assert_uint_eq(all.count, count);
}
END_TEST

/* Puts rows n0, n1, … and then `last`; the batch fails with `cls`, nothing of it is there, and the session goes on. */
static void check_refused(const StoredModel *last, Spool *its_payload, ErrClass cls, const char *sqlstate)
{
    Spool payload;
    fill_spool(&payload, 500, 9, 1 << 20);
    StoredModel good = row_of("good", 1, &payload);
    const char *before = strdup(sql(database, "SELECT count(*) FROM models"));
    err = (Err){0};
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &good, &payload, &err));
    ck_assert(!(store_put(store, last, its_payload, &err) && store_commit(store, NULL, &err)));
    store_rollback(store);
    ck_assert_msg(err.cls == cls, "%s: %s", err_class_name(err.cls), err.text);
    ck_assert_str_eq(err.code, sqlstate);
    ck_assert(sqlstate[0] == '\0' || strstr(err.text, store_target_label(target)) != NULL);
    ck_assert(store_alive(store));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), before);
    free((void *)(uintptr_t)before);
    spool_free(&payload);
    ck_ok(put_one(store, "after", (int32_t)(clock_real_ns() / 1000 % 1000000000), &err));
}

START_TEST(all_or_nothing)
{
    Spool payload;
    char long_name[400];
    fill_spool(&payload, 2000, 4, 1 << 20);
    ck_ok(put_one(store, "taken", 1, &err));

    StoredModel row = row_of("taken", 1, &payload);
    check_refused(&row, &payload, ERR_CONFLICT, "23505");
    ck_assert_ptr_nonnull(strstr(err.text, "(taken, 1)"));
    row = row_of("good", 1, &payload); /* twice in one batch */
    check_refused(&row, &payload, ERR_CONFLICT, "23505");

    row = row_of("bad digest", 1, &payload);
    row.stored.byte[31] ^= 1;
    check_refused(&row, &payload, ERR_SKIP, "23514");

    memset(long_name, 'n', sizeof long_name);
    long_name[300] = '\0';
    row = row_of(long_name, 1, &payload);
    check_refused(&row, &payload, ERR_SKIP, "22001");
    row = row_of("not \xff utf-8", 1, &payload);
    check_refused(&row, &payload, ERR_SKIP, "22021");

    row = row_of("lies about its size", 1, &payload);
    row.stored_bytes--;
    check_refused(&row, &payload, ERR_BUG, "");
    spool_free(&payload);
}
END_TEST

START_TEST(chunked_rows)
{
    Spool large, small;
    char hex[65];
    uint64_t bytes = 2 * STORE_CHUNK_BYTES + 12345;
    fill_spool(&large, bytes, 5, 4096);
    fill_spool(&small, 100, 6, 4096);
    StoredModel first = row_of("first", 1, &small), chunked = row_of("chunked", 2, &large), last = row_of("last", 1, &small);
    chunked.chunk_count = store_chunk_count(bytes, 1024);
    ck_assert_uint_eq(chunked.chunk_count, 3);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &first, &small, &err));
    ck_ok(store_put(store, &chunked, &large, &err));
    ck_ok(store_put(store, &last, &small, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(sql(database, "SELECT string_agg(name, ',' ORDER BY id) FROM models"), "first,chunked,last");
    ck_assert_str_eq(sql(database, "SELECT concat_ws('|', chunk_count, octet_length(model_binary), stored_bytes) FROM models WHERE "
                                   "name = 'chunked'"),
                     "3|0|33566777");
    ck_assert_str_eq(sql(database, "SELECT string_agg(concat_ws(':', seq, octet_length(data)), ',' ORDER BY seq) FROM model_chunks "
                                   "WHERE name = 'chunked' AND version = 2"),
                     "0:16777216,1:16777216,2:12345");
    digest_hex(&chunked.stored, hex);
    ck_assert_str_eq(sql(database, "SELECT encode(sha256(string_agg(data, '' ORDER BY seq)), 'hex') FROM model_chunks"), hex);

    /* A batch that fails behind its chunks leaves none. */
    chunked.version = 3;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &chunked, &large, &err));
    ck_ok(store_put(store, &first, &small, &err));
    ck_fails(store_commit(store, NULL, &err), ERR_CONFLICT, "first");
    store_rollback(store);
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM model_chunks"), "3");
    sql(database, "DELETE FROM models WHERE name = 'chunked'");
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM model_chunks"), "0");
    spool_free(&large);
    spool_free(&small);
}
END_TEST

START_TEST(rollback_and_reuse)
{
    Spool payload;
    fill_spool(&payload, 200000, 4, 1 << 20);
    StoredModel row = row_of("r", 1, &payload);
    ck_ok(store_begin(store, &err));
    store_rollback(store);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    store_rollback(store);
    ck_assert(store_alive(store));
    store_rollback(store); /* without a batch: nothing */
    ck_fails(store_put(store, &row, &payload, &err), ERR_BUG, "outside");
    ck_ok(store_begin(store, &err)); /* an empty batch */
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "0");
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "1");
    spool_free(&payload);
}
END_TEST

START_TEST(dropped_rows_are_noticed)
{
    sql(database, "CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
    sql(database, "CREATE TRIGGER t BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION drop_row()");
    ck_fails(put_one(store, "x", 1, &err), ERR_SKIP, "0 of 1 rows");
}
END_TEST

/* The server answers its COMMIT with ROLLBACK, and without an error. */
START_TEST(commit_of_a_failed_transaction)
{
    ck_ok(store_begin(store, &err));
    ck_assert(!postgres_run((Postgres *)store, "SELECT 1/0", NULL));
    StoreOutcome outcome = STORE_UNKNOWN;
    ck_fails(store_commit(store, &outcome, &err), ERR_BUG, "rolled the transaction back");
    ck_assert_int_eq(outcome, STORE_REFUSED);
    ck_assert(store_alive(store));
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

/* A deferred constraint speaks at COMMIT. */
START_TEST(commit_can_fail)
{
    sql(database, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION E'no\\nway \\x1b[2J' USING "
                  "ERRCODE = '23514'; END$$");
    sql(database, "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON models DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "
                  "refuse()");
    ck_fails(put_one(store, "x", 1, &err), ERR_SKIP, "no way \\x1b[2J");
    ck_assert(store_alive(store));
    ck_ok(store_begin(store, &err));
    StoreOutcome outcome = STORE_UNKNOWN;
    Spool payload;
    fill_spool(&payload, 10, 1, 1 << 20);
    StoredModel row = row_of("y", 1, &payload);
    ck_ok(store_put(store, &row, &payload, &err));
    ck_fails(store_commit(store, &outcome, &err), ERR_SKIP, "no way");
    ck_assert_int_eq(outcome, STORE_REFUSED); /* the server said no, and lives */
    spool_free(&payload);
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "0");
}
END_TEST

/* The detail of a check violation is the whole row, payload and all. */
START_TEST(row_is_not_in_the_error)
{
    sql(database, "ALTER TABLE models ADD CONSTRAINT no_x CHECK (name <> 'x')");
    ck_fails(put_one(store, "x", 1, &err), ERR_SKIP, "no_x");
    ck_assert_ptr_null(strstr(err.text, "ailing row"));
}
END_TEST

START_TEST(transaction_settings)
{
    char query[256];
    snprintf(query, sizeof query, "ALTER DATABASE %s SET synchronous_commit = off", database);
    sql("models", query);
    snprintf(query, sizeof query, "ALTER DATABASE %s SET default_transaction_isolation = 'serializable'", database);
    sql("models", query);
    snprintf(query, sizeof query, "ALTER DATABASE %s SET statement_timeout = '300ms'", database);
    sql("models", query);
    sql(database, "CREATE TABLE seen (setting text)");
    sql(database, "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(0.5); INSERT INTO "
                  "public.seen VALUES (concat_ws('|', "
                  "current_setting('synchronous_commit'), current_setting('transaction_isolation'), "
                  "current_setting('lock_timeout'), "
                  "current_setting('search_path'), current_setting('application_name'))); RETURN NEW; END$$;"
                  "CREATE TRIGGER t BEFORE INSERT ON models FOR EACH ROW EXECUTE FUNCTION look()");
    store_close(store);
    store = open_store(target);
    ck_ok(put_one(store, "x", 1, &err));
    ck_assert_str_eq(sql(database, "SELECT setting FROM seen"), "on|read committed|1s|public, pg_temp|migrate_models_to_db");
}
END_TEST

START_TEST(runs)
{
    StoreRun run = {.run_id = RUN_ID, .host = "h", .user_name = "u'\"\\", .models_dir = "/m/\xff", .program_version = "1.0"};
    ck_ok(store_run_begin(store, &run, &err));
    ck_ok(store_run_begin(store, &run, &err)); /* its answer was lost */
    ck_assert_str_eq(sql(database, "SELECT concat_ws('|', run_id, host, user_name, models_dir, program_version, finished_at, "
                                   "new_count) FROM model_runs"),
                     RUN_ID "|h|u'\"\\|/m/\\xff|1.0");
    run.new_count = 1;
    run.unchanged_count = 2;
    run.conflict_count = 3;
    run.failed_count = 4;
    run.raw_bytes = UINT64_C(5000000000);
    run.stored_bytes = 6;
    run.exit_code = 3;
    ck_ok(store_run_end(store, &run, &err));
    ck_assert_str_eq(sql(database, "SELECT concat_ws('|', finished_at IS NOT NULL, new_count, unchanged_count, conflict_count, "
                                   "failed_count, raw_bytes, stored_bytes, "
                                   "exit_code) FROM model_runs"),
                     "t|1|2|3|4|5000000000|6|3");
}
END_TEST

START_TEST(latest_view)
{
    ck_ok(put_one(store, "x", 1, &err));
    ck_ok(put_one(store, "x", 2, &err));
    ck_ok(put_one(store, "x", 3, &err));
    ck_ok(put_one(store, "y", 5, &err));
    sql(database, "UPDATE models SET is_active = false WHERE version = 3");
    ck_assert_str_eq(sql(database, "SELECT string_agg(name || version, ',' ORDER BY name) FROM latest_models"), "x2,y5");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store postgres");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, round_trip);
    tcase_add_test(tcase, catalog_and_find);
    tcase_add_test(tcase, members_of_a_directory);
    tcase_add_test(tcase, hostile_names);
    tcase_add_test(tcase, all_or_nothing);
    tcase_add_test(tcase, chunked_rows);
    tcase_add_test(tcase, rollback_and_reuse);
    tcase_add_test(tcase, dropped_rows_are_noticed);
    tcase_add_test(tcase, commit_can_fail);
    tcase_add_test(tcase, row_is_not_in_the_error);
    tcase_add_test(tcase, commit_of_a_failed_transaction);
    tcase_add_test(tcase, digests_are_kept);
    tcase_add_test(tcase, many_rows_without_digests);
    tcase_add_test(tcase, transaction_settings);
    tcase_add_test(tcase, runs);
    tcase_add_test(tcase, latest_view);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
