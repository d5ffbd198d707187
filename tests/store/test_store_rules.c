/* What others have done to the table: its key is gone, triggers change or drop rows, columns and policies were added, the database
 * has another encoding. */
#include "../../src/store/postgres/calls.h"
#include "../../src/store/postgres/session/transaction.h"
#include "../../src/store/postgres/session/wire.h"

#include "server.h"

/* --- the key ----------------------------------------------------------------------------------------------------------------- */

/* The statements of the hint, run as somebody with another search path would. */
static void follow_hint(void)
{
    char query[700];
    const char *start = strstr(err.hint, "then: ");
    ck_assert_msg(start != NULL, "%s", err.hint);
    snprintf(query, sizeof query, "SET search_path = pg_catalog; %s", start + strlen("then: "));
    sql(database, query);
}

static void check_lost_key(const char *drop)
{
    SchemaState state;
    ck_ok(put_one(store, "x", 1, &err));
    sql(database, drop);
    reopen();
    ck_fails(put_one(store, "x", 1, &err), ERR_SCHEMA, "lost its unique key on (name, version)");
    ck_fails(schema_state(store, &state, &err), ERR_SCHEMA, "lost its unique key");
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "lost its unique key");
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, "lost its unique key");
    follow_hint();
    reopen();
    ck_ok(schema_require_head(store, target, &err));
    ck_ok(put_one(store, "y", 1, &err));
    ck_fails(put_one(store, "x", 1, &err), ERR_CONFLICT, "");
}

static bool note_created(void *ctx, const StoredModel *model, Err *e)
{
    (void)e;
    *(int64_t *)ctx = model->created_ns;
    return true;
}

/* Between rows without it, in a time zone that is not UTC, summer and winter, before 1970. */
START_TEST(created_is_kept)
{
    static const int64_t instants[] = {INT64_C(1784000000123456000), INT64_C(1770000000999999000), 0, -INT64_C(1500000)};
    Spool payload;
    char name[2] = "a";
    const char *asked = name;
    sql(database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Europe/Berlin''', current_database()); END $$");
    reopen();
    fill_spool(&payload, 3000, 1, 1 << 20);
    ck_ok(store_begin(store, &err));
    for (size_t i = 0; i < 4; i++, name[0]++) {
        StoredModel row = row_of(name, 1, &payload);
        row.created_ns = instants[i];
        ck_ok(store_put(store, &row, &payload, &err));
    }
    ck_ok(store_commit(store, NULL, &err));
    name[0] = 'a';
    for (size_t i = 0; i < 4; i++, name[0]++) {
        int64_t listed = 0;
        ck_ok(store_list(store, &(StoreFilter){&asked, 1, NULL}, note_created, &listed, &err));
        if (instants[i] != 0)
            ck_assert_int_eq(listed, instants[i]);
    }
    ck_assert_str_eq(sql(database, "SELECT created_at FROM models WHERE name = 'a'"), "2026-07-14 05:33:20.123456");
    spool_free(&payload);
}
END_TEST

START_TEST(lost_key)
{
    check_lost_key("SET client_min_messages = error; ALTER TABLE models DROP CONSTRAINT models_name_version_key CASCADE");
    ck_assert_str_eq(sql(database, "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'model_chunks'::regclass "
                                   "AND contype = 'f'"),
                     "FOREIGN KEY (name, version) REFERENCES models(name, version) ON UPDATE CASCADE ON DELETE CASCADE");
}
END_TEST

START_TEST(lost_key_in_another_schema)
{
    char query[200];
    sql(database, "CREATE SCHEMA \"Team A\"; ALTER TABLE models SET SCHEMA \"Team A\"; ALTER TABLE model_chunks SET SCHEMA \"Team "
                  "A\";"
                  "ALTER TABLE model_runs SET SCHEMA \"Team A\"; ALTER TABLE migrate_models_revisions SET SCHEMA \"Team A\"");
    snprintf(query, sizeof query, "ALTER DATABASE %s SET search_path = \"Team A\"", database);
    sql("models", query);
    reopen();
    check_lost_key("SET client_min_messages = error; ALTER TABLE models DROP CONSTRAINT models_name_version_key CASCADE");
}
END_TEST

/* A partial, a wider, a deferrable or another index is no key; one in the other order is. */
START_TEST(other_keys)
{
    sql(database, "CREATE UNIQUE INDEX ON models (name, version) WHERE is_active; CREATE UNIQUE INDEX ON models (name, version, "
                  "event);"
                  "CREATE UNIQUE INDEX ON models (lower(name), version); ALTER TABLE models ADD UNIQUE (name, version) DEFERRABLE;"
                  "CREATE UNIQUE INDEX ON models (name, id) INCLUDE (version)");
    check_lost_key("SET client_min_messages = error; ALTER TABLE models DROP CONSTRAINT models_name_version_key CASCADE");
    sql(database, "SET client_min_messages = error; CREATE UNIQUE INDEX ON models (version, name); ALTER TABLE models DROP "
                  "CONSTRAINT models_name_version_key CASCADE");
    reopen();
    ck_ok(put_one(store, "z", 1, &err));
}
END_TEST

/* --- triggers ---------------------------------------------------------------------------------------------------------------- */

static void make_trigger(const char *when, const char *body)
{
    char query[600];
    snprintf(query, sizeof query,
             "SET client_min_messages = error; CREATE OR REPLACE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN %s "
             "RETURN NEW; END$$;"
             "DROP TRIGGER IF EXISTS t ON models; CREATE TRIGGER t %s INSERT ON models FOR EACH ROW EXECUTE FUNCTION meddle()",
             body, when);
    sql(database, query);
    reopen();
}

START_TEST(trigger_that_changes_rows)
{
    static const char *const bodies[] = {"NEW.version = NEW.version + 1;", "NEW.name = upper(NEW.name);",
                                         "NEW.content_sha256 = NULL;", "NEW.content_sha256 = sha256('other');",
                                         "NEW.stored_sha256 = NULL;"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        make_trigger("BEFORE", bodies[i]);
        ck_fails(put_one(store, "x", 1, &err), ERR_SKIP,
                 "0 of 1 rows are as they were sent; a trigger of the table changes what is stored");
        ck_assert_str_eq(err.code, "27000"); /* nobody need ask whether it was committed */
        ck_assert(store_alive(store));
        ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "0");
    }
    make_trigger("AFTER", "UPDATE public.models SET version = version + 1 WHERE id = NEW.id;");
    ck_fails(put_one(store, "x", 1, &err), ERR_SKIP, "changes what is stored");
}
END_TEST

/* Only a table with triggers costs the memory and the question. */
START_TEST(no_trigger)
{
    const Buf *sent = ((Postgres *)store)->sent;
    ck_ok(put_one(store, "x", 1, &err));
    ck_assert_uint_eq(sent->cap, 0);
    make_trigger("BEFORE", "");
    sent = ((Postgres *)store)->sent;
    ck_ok(put_one(store, "x", 2, &err));
    ck_assert_uint_gt(sent->cap, 0);
    make_trigger("BEFORE", "NEW.version = 7;");
    sql(database, "ALTER TABLE models DISABLE TRIGGER t");
    reopen();
    sent = ((Postgres *)store)->sent;
    ck_ok(put_one(store, "x", 3, &err));
    ck_assert_uint_eq(sent->cap, 0);
    sql(database, "CREATE TABLE events (event text PRIMARY KEY); INSERT INTO events VALUES ('ev'); ALTER TABLE models ADD FOREIGN "
                  "KEY (event) REFERENCES events;"
                  "DROP TRIGGER t ON models; CREATE TRIGGER t BEFORE UPDATE OR DELETE ON models FOR EACH ROW EXECUTE FUNCTION "
                  "meddle()");
    reopen();
    sent = ((Postgres *)store)->sent;
    ck_ok(put_one(store, "x", 4, &err));
    ck_assert_uint_eq(sent->cap, 0);
}
END_TEST

/* One batch of several rows, names that an array literal must quote, and a payload in chunks. */
START_TEST(trigger_that_changes_nothing_of_ours)
{
    static const char *const names[] = {"x", "a,b", "{c}", "\"q\"", "back\\slash", "NULL", " ", "it's", "m\xc3\xb6" "del"};
    size_t count = sizeof names / sizeof *names;
    Spool payload;
    make_trigger("BEFORE", "NEW.event = 'theirs';");
    for (int32_t version = 1; version <= 3; version++) { /* the same session: what was noted of a batch ends with it */
        fill_spool(&payload, 1000, 1, 1 << 20);
        ck_ok(store_begin(store, &err));
        for (size_t i = 0; i < count; i++) {
            StoredModel row = row_of(names[i], version, &payload);
            row.chunk_count = i == 3;
            ck_ok(store_put(store, &row, &payload, &err));
        }
        if (version == 2)
            store_rollback(store);
        else
            ck_ok(store_commit(store, NULL, &err));
        spool_free(&payload);
    }
    ck_assert_str_eq(sql(database, "SELECT concat_ws('|', count(*), count(DISTINCT name)) FROM models WHERE event = 'theirs'"),
                     "18|9");
}
END_TEST

START_TEST(trigger_that_changes_one_of_many)
{
    Spool payload;
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel good = row_of("good", 1, &payload), bad = row_of("bad", 1, &payload);
    make_trigger("BEFORE", "IF NEW.name = 'bad' THEN NEW.version = 7; END IF;");
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &good, &payload, &err));
    ck_ok(store_put(store, &bad, &payload, &err));
    ck_fails(store_commit(store, NULL, &err), ERR_SKIP, "1 of 2 rows");
    store_rollback(store);
    ck_ok(put_one(store, "good", 1, &err));
    ck_assert_str_eq(sql(database, "SELECT string_agg(name || version, ',') FROM models"), "good1");
    spool_free(&payload);
}
END_TEST

/* --- columns and policies
 * --------------------------------------------------------------------------------------------------------- */

START_TEST(column_without_a_default)
{
    sql(database, "ALTER TABLE models ADD COLUMN owner_team text NOT NULL");
    ck_fails(put_one(store, "x", 1, &err), ERR_SKIP, "owner_team");
    ck_assert_str_eq(err.hint, "give the column owner_team of models a default, or allow NULL in it");
    sql(database, "ALTER TABLE models ALTER COLUMN owner_team SET DEFAULT 'us'");
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

START_TEST(row_level_security)
{
    char role[64], query[600], url[600];
    snprintf(role, sizeof role, "writer_%ld", (long)getpid());
    snprintf(query, sizeof query,
             "CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA public TO %s; GRANT ALL ON ALL TABLES IN SCHEMA public TO %s;"
             "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO %s; ALTER TABLE models ENABLE ROW LEVEL SECURITY",
             role, role, role, role);
    sql(database, query);
    snprintf(url, sizeof url, "%s?user=%s", url_of(database), role);
    StoreTarget *other = target_of(url);
    Store *theirs = open_store(other);
    ck_fails(put_one(theirs, "x", 1, &err), ERR_STOP, "row-level security");
    ck_assert_str_eq(err.code, "0A000");
    ck_assert_ptr_nonnull(strstr(err.hint, "BYPASSRLS"));
    store_close(theirs);
    store_target_free(other);
    snprintf(query, sizeof query, "DROP OWNED BY %s; DROP ROLE %s", role, role);
    sql(database, query);
}
END_TEST

/* --- encodings
 * -------------------------------------------------------------------------------------------------------------------- */

static void check_notes(const char *encoding, const char *lower, const char *path, const char *host)
{
    char name[64], query[300];
    StoreRun run = {.run_id = RUN_ID,
                    .host = "h\xc3\xb6st",
                    .user_name = "\xe6\xa8\xa1",
                    .models_dir = "/m/\xe6\xa8\xa1\xe5\x9e\x8b",
                    .program_version = "1"};
    Spool payload;
    snprintf(name, sizeof name, "t_%ld_in_%s", (long)getpid(), lower);
    snprintf(query, sizeof query, "CREATE DATABASE %s ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0", name,
             encoding);
    sql("models", query);
    teardown();
    start_in(name);
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_ok(store_run_begin(store, &run, &err));
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel row = row_of("x", 1, &payload);
    row.source_path = "/m/\xe6\xa8\xa1\xc3\xa9\xff.joblib";
    row.source_host = "h\xc3\xb6st";
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_ok(store_run_end(store, &run, &err));
    ck_assert_str_eq(sql(database, "SET client_encoding = 'SQL_ASCII'; SELECT source_path FROM models"), path);
    ck_assert_str_eq(sql(database, "SET client_encoding = 'SQL_ASCII'; SELECT host FROM model_runs"), host);
    spool_free(&payload);
}

START_TEST(notes_in_another_encoding)
{
    check_notes("LATIN1", "latin1", "/m/\\xe6\\xa8\\xa1\\xc3\\xa9\\xff.joblib", "h\\xc3\\xb6st");
}
END_TEST

START_TEST(notes_without_an_encoding)
{
    check_notes("SQL_ASCII", "sql_ascii", "/m/\xe6\xa8\xa1\xc3\xa9\\xff.joblib", "h\xc3\xb6st");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store rules");
    TCase *tcase = tcase_create("rules");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, created_is_kept);
    tcase_add_test(tcase, lost_key);
    tcase_add_test(tcase, lost_key_in_another_schema);
    tcase_add_test(tcase, other_keys);
    tcase_add_test(tcase, trigger_that_changes_rows);
    tcase_add_test(tcase, no_trigger);
    tcase_add_test(tcase, trigger_that_changes_nothing_of_ours);
    tcase_add_test(tcase, trigger_that_changes_one_of_many);
    tcase_add_test(tcase, column_without_a_default);
    tcase_add_test(tcase, row_level_security);
    tcase_add_test(tcase, notes_in_another_encoding);
    tcase_add_test(tcase, notes_without_an_encoding);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
