/* The tables: made, adopted, brought to head by several at once, and refused. */
#include <sys/wait.h>

#include "server.h"

static bool count_applied(void *ctx, const SchemaRevision *revision, Err *e)
{
    static const char *const ids[] = {"0001", "0002", "0003"};
    int *applied = ctx;
    (void)e;
    ck_assert_int_lt(*applied, 3);
    ck_assert_str_eq(revision->id, ids[(*applied)++]);
    return true;
}

static SchemaState state_now(void)
{
    SchemaState state;
    ck_ok(schema_state(store, &state, &err));
    return state;
}

START_TEST(nothing_there)
{
    Found found = {0};
    const char *names[] = {"x"};
    SchemaState state = state_now();
    ck_assert_int_eq(state.kind, SCHEMA_ABSENT);
    ck_assert(!state.has_models);
    ck_assert_uint_eq(state.pending, 3);
    ck_assert_str_eq(state.current, "");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_ok(store_find(store, names, 1, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 0);
    ck_fails(put_one(store, "x", 1, &err), ERR_SCHEMA, "missing");
    ck_fails(store_begin(store, &err), ERR_SCHEMA, "missing");
    ck_fails(store_begin(store, &err), ERR_SCHEMA, "missing"); /* a batch that did not begin is not open */
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "not there yet");
    ck_assert(store_alive(store));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
                     "0"); /* asking made nothing */
    StoreRun run = {.run_id = RUN_ID, .host = "h", .user_name = "u", .models_dir = "d", .program_version = "1"};
    ck_fails(store_run_begin(store, &run, &err), ERR_SCHEMA, "model_runs");
}
END_TEST

START_TEST(hint_has_no_password)
{
    char url[600];
    snprintf(url, sizeof url, "%s?password=hunter2", url_of(database));
    StoreTarget *with_password = target_of(url);
    Store *other = open_store(with_password);
    ck_fails(schema_require_head(other, with_password, &err), ERR_SCHEMA, "");
    ck_assert_int_eq(err.remedy, REMEDY_UPGRADE);
    ck_assert_ptr_null(strstr(err.hint, "hunter2"));
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
    store_close(other);
    store_target_free(with_password);
}
END_TEST

START_TEST(upgrade_twice)
{
    int applied = 0;
    ck_ok(schema_upgrade(store, count_applied, &applied, &err));
    ck_assert_int_eq(applied, 3);
    ck_ok(schema_upgrade(store, count_applied, &applied, &err));
    ck_assert_int_eq(applied, 3);
    SchemaState state = state_now();
    ck_assert_int_eq(state.kind, SCHEMA_HEAD);
    ck_assert(state.has_models);
    ck_assert_str_eq(state.current, "0003");
    ck_assert_uint_eq(state.pending, 0);
    ck_ok(schema_require_head(store, target, &err));
    ck_assert_str_eq(sql(database, "SELECT string_agg(concat_ws('|', revision, slug, length(checksum), applied_by), ' ' ORDER BY "
                                   "revision) FROM migrate_models_revisions"),
                     "0001|models|64|tester 0002|identity|64|tester 0003|lifecycle|64|tester");
    ck_assert_str_eq(
        sql(database, "SELECT attstorage FROM pg_attribute WHERE attrelid = 'models'::regclass AND attname = 'model_binary'"), "e");
    ck_assert_str_eq(
        sql(database, "SELECT attstorage FROM pg_attribute WHERE attrelid = 'model_chunks'::regclass AND attname = 'data'"), "e");
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

START_TEST(upgrade_at_once)
{
    ck_assert_int_eq(upgrade_at_once_in_processes(target), 3);
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM migrate_models_revisions"), "3");
}
END_TEST

/* Another upgrade holds the lock for longer than lock_timeout. */
START_TEST(upgrade_waits_for_the_lock)
{
    PGconn *other = admin(database);
    PQclear(PQexec(other, "BEGIN; SELECT pg_advisory_xact_lock(7883946363647714655)"));
    double start = clock_seconds();
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_RETRY, "another process is changing the tables");
    ck_assert_double_gt(clock_seconds() - start, quick.lock_timeout);
    PQfinish(other);
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
}
END_TEST

#define BY_HAND \
    "CREATE TABLE models (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, version INTEGER NOT NULL, model_type VARCHAR(50) " \
    "NOT NULL, " \
    "event VARCHAR(255) NOT NULL, model_binary BYTEA NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, " \
    "is_active BOOLEAN DEFAULT TRUE, UNIQUE(name, version));"
#define OTHER_HAND \
    "CREATE TABLE models (note text, is_active boolean, model_binary bytea, version bigint, event text, created_at timestamptz " \
    "DEFAULT now(), " \
    "name text, model_type text, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (version, name));"
#define TWO_ROWS \
    "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('old', 1, 't', 'e', 'abc'), ('old', 2, 't', " \
    "'e', '')"

static void adopt(const char *table)
{
    Found found = {0};
    const char *names[] = {"old"};
    Digest abc;
    char query[1024];
    snprintf(query, sizeof query, "%s %s", table, TWO_ROWS);
    sql(database, query);
    reopen();

    /* A dry run sees the rows before the migration. */
    SchemaState state = state_now();
    ck_assert_int_eq(state.kind, SCHEMA_ABSENT);
    ck_assert(state.has_models);
    ck_ok(store_find(store, names, 1, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 2);
    found = (Found){0};
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_str_eq(found.text, "old:1\nold:2\n");
    ck_fails(put_one(store, "x", 1, &err), ERR_SCHEMA, "not at head");
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "not adopted");

    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_assert_str_eq(sql(database, "SELECT string_agg(concat_ws('|', name, version, convert_from(model_binary, 'utf8'), encoding, "
                                   "format, raw_bytes, stored_bytes, chunk_count, "
                                   "content_sha256 = sha256(model_binary), stored_sha256 = content_sha256), E'\\n' ORDER BY "
                                   "version) FROM models"),
                     "old|1|abc|identity|file|3|3|0|t|t\nold|2||identity|file|0|0|0|t|t");
    ck_ok(put_one(store, "new", 3, &err));
    ck_fails(put_one(store, "old", 1, &err), ERR_CONFLICT, "old");
    found = (Found){0};
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 3);
    found = (Found){0};
    ck_ok(store_find(store, names, 1, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 2);
    ck_ok(sha256_once("abc", 3, &abc, &err));
    ck_assert(digest_equal(&abc, &found.last.content) || found.last.version == 2);
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM model_catalog"), "3");
}

START_TEST(adopts_the_reference)
{
    adopt(BY_HAND);
}
END_TEST

START_TEST(adopts_other_columns)
{
    adopt(OTHER_HAND);
    Spool payload;
    fill_spool(&payload, STORE_CHUNK_BYTES + 5, 7, 4096);
    StoredModel row = row_of("chunked", 4, &payload); /* version is bigint in one table and integer in the other */
    row.chunk_count = 2;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM model_chunks JOIN models USING (name, version)"), "2");
    sql(database, "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('far', 3000000000, 't', 'e', ''), "
                  "('none', 1, 't', 'e', NULL)");
    Found found = {0};
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_ptr_null(strstr(found.text, "far")); /* no version of ours */
    ck_assert_ptr_nonnull(strstr(found.text, "none:1\n"));
    spool_free(&payload);
}
END_TEST

START_TEST(adopts_in_its_schema)
{
    sql(database, "CREATE SCHEMA \"Team \"\"A\"\"\"; SET search_path = \"Team \"\"A\"\"\"; " BY_HAND);
    char query[200];
    snprintf(query, sizeof query, "ALTER DATABASE %s SET search_path = public, \"Team \"\"A\"\"\"", database);
    sql("models", query);
    reopen();
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_ok(put_one(store, "x", 1, &err));
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM \"Team \"\"A\"\"\".models"), "1");
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM pg_class WHERE relname IN ('models', 'model_runs') AND relnamespace = "
                                   "'public'::regnamespace"),
                     "0");
}
END_TEST

START_TEST(refuses_to_adopt)
{
    static const char *const rows[][2] = {
        {"CREATE TABLE models (id int)", "name: missing"},
        {"CREATE TABLE models (id int DEFAULT 1, name text, version text, model_type text, event text, model_binary bytea, "
         "created_at timestamp, is_active boolean, UNIQUE (name, "
         "version))",
         "version: text, must be integer or bigint"},
        {"CREATE TABLE models (id int DEFAULT 1, name text, version int, model_type text, event text, model_binary bytea, "
         "created_at timestamp, is_active boolean)",
         "no unique key"},
        {"CREATE TABLE models (id int DEFAULT 1, name text UNIQUE, version int UNIQUE, model_type text, event text, model_binary "
         "bytea, created_at timestamp, is_active boolean); "
         "CREATE UNIQUE INDEX ON models (name, version) WHERE is_active",
         "no unique key"},
        {"CREATE TABLE models (id int DEFAULT 1, name text, version int, model_type text, event text, model_binary bytea, "
         "created_at timestamp, is_active boolean, UNIQUE (name, "
         "version, event))",
         "no unique key"},
        {"CREATE TABLE models (id int NOT NULL, name text, version int, model_type text, event text, model_binary bytea, "
         "created_at timestamp, is_active boolean, UNIQUE (name, "
         "version))",
         "no default for id"},
        {"CREATE TABLE models (id int DEFAULT 1, name text, version int, model_type text, event text, model_binary bytea, "
         "created_at timestamp, is_active boolean, raw_bytes text, "
         "UNIQUE (name, version))",
         "raw_bytes: text"},
        {"CREATE VIEW models AS SELECT 1 AS id", "not an ordinary table"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        teardown();
        setup_bare();
        sql(database, rows[i][0]);
        reopen();
        ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, rows[i][1]);
        ck_assert(strstr(err.text, "revision 0001") != NULL || strstr(rows[i][0], "VIEW") != NULL);
        ck_assert_str_ne(err.hint, "");
        ck_assert_str_eq(sql(database, "SELECT coalesce(to_regclass('model_runs')::text, '') || "
                                       "coalesce(to_regclass('migrate_models_revisions')::text, '')"),
                         "");
    }
}
END_TEST

START_TEST(edited_revision)
{
    SchemaState state;
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    sql(database, "UPDATE migrate_models_revisions SET checksum = repeat('0', 64)");
    ck_fails(schema_state(store, &state, &err), ERR_SCHEMA, "was edited");
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "was edited");
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, "was edited");
}
END_TEST

START_TEST(newer_program)
{
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    sql(database, "INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ('0099', 'x', 'y')");
    ck_assert_int_eq(state_now().kind, SCHEMA_UNKNOWN);
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "0099");
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, "0099");
}
END_TEST

/* All the way down, in one transaction. */
static ExecStatusType run_script(PGconn *conn)
{
    SchemaRevisions list = {0};
    ck_ok(schema_revisions("postgresql", &list, &err));
    PQclear(PQexec(conn, "BEGIN"));
    ExecStatusType status = PGRES_COMMAND_OK;
    for (size_t i = list.count; i-- > 0 && status == PGRES_COMMAND_OK;) {
        PGresult *result = PQexec(conn, list.items[i].downgrade);
        status = PQresultStatus(result);
        if (status == PGRES_COMMAND_OK && i == 0)
            PQclear(PQexec(conn, "COMMIT"));
        PQclear(result);
    }
    schema_revisions_free(&list);
    return status;
}

static void run_downgrade(void)
{
    PGconn *conn = admin(database);
    ck_assert_msg(run_script(conn) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQfinish(conn);
    sql(database, "DELETE FROM migrate_models_revisions");
}

START_TEST(downgrade)
{
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    run_downgrade();
    ck_assert_str_eq(sql(database, "SELECT to_regclass('models')"), ""); /* ours, and empty */

    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_ok(put_one(store, "x", 1, &err));
    sql(database, "UPDATE models SET chunk_count = 1");
    PGconn *other = admin(database);
    ck_assert_int_eq(run_script(other), PGRES_FATAL_ERROR); /* the payload of a chunked row would be lost */
    ck_assert_ptr_nonnull(strstr(PQerrorMessage(other), "1 models have their payload in model_chunks"));
    PQfinish(other);
    sql(database, "UPDATE models SET chunk_count = 0");
    run_downgrade();
    ck_assert_str_eq(sql(database, "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = "
                                   "'models'::regclass AND attnum > 0 AND NOT attisdropped"),
                     "id,name,version,model_type,event,model_binary,created_at,is_active");
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM models"), "1");

    sql(database, "DROP TABLE models; " BY_HAND);
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    run_downgrade();
    ck_assert_str_eq(sql(database, "SELECT to_regclass('models')"), "models"); /* adopted: never dropped */
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
}
END_TEST

static const char *identity_in(const char *where)
{
    static char id[STORE_IDENTITY_SIZE];
    StoreTarget *there = target_of(url_of(where));
    Store *other = open_store(there);
    ck_ok(store_identity(other, id, &err));
    store_close(other);
    store_target_free(there);
    return id;
}

START_TEST(identity)
{
    char id[STORE_IDENTITY_SIZE], again[STORE_IDENTITY_SIZE], copy[80], query[300];
    ck_ok(store_identity(store, id, &err));
    ck_assert_str_eq(id, ""); /* no tables yet */
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_ok(store_identity(store, id, &err));
    ck_assert_uint_eq(strlen(id), 36);
    ck_ok(store_identity(store, again, &err));
    ck_assert_str_eq(again, id);
    ck_assert_str_eq(identity_in(database), id);
    store_close(store); /* a template must have no session */
    snprintf(copy, sizeof copy, "%s_copy", database);
    snprintf(query, sizeof query, "CREATE DATABASE %s TEMPLATE %s", copy, database);
    sql("models", query);
    ck_assert_str_ne(identity_in(copy), id);
    snprintf(query, sizeof query, "ALTER DATABASE %s RENAME TO %s_again", copy, copy);
    strcpy(again, identity_in(copy));
    sql("models", query);
    snprintf(query, sizeof query, "%s_again", copy);
    ck_assert_str_eq(identity_in(query), again); /* its address does not matter */
    snprintf(query, sizeof query, "DROP DATABASE %s_again", copy);
    sql("models", query);
    sql(database, "UPDATE store_identity SET store_id = gen_random_uuid()");
    ck_assert_str_ne(identity_in(database), id);
    ck_assert_str_eq(sql(database, "SELECT count(*) FROM store_identity"), "1");
    store = open_store(target);
}
END_TEST

/* A reader who may not look at the tables of the identifier still reads models. */
START_TEST(identity_is_for_readers)
{
    char id[STORE_IDENTITY_SIZE], role[80], query[700];
    snprintf(role, sizeof role, "%s_reader", database);
    snprintf(query, sizeof query, "CREATE ROLE %s; %s GRANT SELECT ON models TO %s", role, BY_HAND, role);
    sql(database, query);
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    snprintf(query, sizeof query, "SELECT concat(has_table_privilege('%s', 'store_identity', 'SELECT'), has_table_privilege('%s', 'model_digests', "
             "'SELECT'), has_table_privilege('%s', 'model_digests', 'INSERT'))", role, role, role);
    ck_assert_str_eq(sql(database, query), "ttf");
    snprintf(query, sizeof query, "ALTER ROLE %s LOGIN; GRANT USAGE ON SCHEMA public TO %s; REVOKE ALL ON store_identity FROM %s", role, role, role);
    sql(database, query);
    snprintf(query, sizeof query, "postgresql://%s@%s", role, strchr(url_of(database), '@') + 1);
    StoreTarget *reader = target_of(query);
    Store *other = open_store(reader);
    ck_ok(store_identity(other, id, &err));
    ck_assert_str_eq(id, "");
    store_close(other);
    store_target_free(reader);
    snprintf(query, sizeof query, "DROP OWNED BY %s; DROP ROLE %s", role, role);
    sql(database, query);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store schema");
    TCase *tcase = tcase_create("schema");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup_bare, teardown);
    tcase_add_test(tcase, nothing_there);
    tcase_add_test(tcase, hint_has_no_password);
    tcase_add_test(tcase, upgrade_twice);
    tcase_add_test(tcase, upgrade_at_once);
    tcase_add_test(tcase, upgrade_waits_for_the_lock);
    tcase_add_test(tcase, adopts_the_reference);
    tcase_add_test(tcase, adopts_other_columns);
    tcase_add_test(tcase, adopts_in_its_schema);
    tcase_add_test(tcase, refuses_to_adopt);
    tcase_add_test(tcase, edited_revision);
    tcase_add_test(tcase, newer_program);
    tcase_add_test(tcase, downgrade);
    tcase_add_test(tcase, identity);
    tcase_add_test(tcase, identity_is_for_readers);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
