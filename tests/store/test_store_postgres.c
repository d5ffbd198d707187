/* Rows in and out of a real server. */
#include "../../src/store/postgres/calls.h"
#include "../../src/store/postgres/session/transaction.h"
#include "../../src/store/postgres/session/wire.h"

#include "server.h"

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

/* The column of the second digest of a directory is not there before revision 0002. */
START_TEST(members_before_their_column)
{
    Found found = {0};
    const char *name = "dir";
    ck_ok(put_one(store, name, 1, &err));
    sql(database, "UPDATE models SET format = 'tar', members_sha256 = sha256('x')");
    sql(database, "ALTER TABLE models DROP COLUMN members_sha256");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert(found.count == 1 && !found.last.has_members && found.last.is_tar);
    found = (Found){0};
    ck_ok(store_find(store, &name, 1, note_found, &found, &err));
    ck_assert(found.count == 1 && !found.last.has_members);
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

int main(void)
{
    Suite *suite = suite_create("store postgres");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, members_before_their_column);
    tcase_add_test(tcase, dropped_rows_are_noticed);
    tcase_add_test(tcase, commit_can_fail);
    tcase_add_test(tcase, row_is_not_in_the_error);
    tcase_add_test(tcase, commit_of_a_failed_transaction);
    tcase_add_test(tcase, digests_are_kept);
    tcase_add_test(tcase, many_rows_without_digests);
    tcase_add_test(tcase, transaction_settings);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
