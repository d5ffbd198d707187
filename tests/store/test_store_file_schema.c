/* The schema of a file: made by several at once, changed by others, of another program, of a newer one. */
#include <sys/wait.h>

#include "file.h"

/* After `change` nothing is read or written; after `back` all is well again. */
static void check_distrust(const char *change, const char *back, const char *part)
{
    static int32_t version;
    SchemaState state;
    Found found = {0};
    file_sql(change);
    ck_fails(put_one(store, "new", 1, &err), ERR_SCHEMA, part);
    ck_fails(schema_state(store, &state, &err), ERR_SCHEMA, part);
    ck_fails(store_catalog(store, note_found, &found, &err), ERR_SCHEMA, part);
    reopen();
    ck_fails(put_one(store, "new", 1, &err), ERR_SCHEMA, part);
    file_sql(back);
    ck_ok(schema_require_head(store, target, &err));
    ck_ok(put_one(store, "again", ++version, &err));
}

START_TEST(foreign_code)
{
    check_distrust("CREATE TRIGGER spy AFTER INSERT ON model_rows BEGIN DELETE FROM model_rows; END", "DROP TRIGGER spy",
                   "the trigger spy is on a table of this program");
    check_distrust("CREATE TRIGGER spy INSTEAD OF INSERT ON latest_models BEGIN SELECT 1; END", "DROP TRIGGER spy",
                   "the trigger spy");
    check_distrust("CREATE TRIGGER \"spy\" AFTER INSERT ON \"MODEL_PAYLOADS\" BEGIN SELECT 1; END", "DROP TRIGGER spy",
                   "the trigger spy");
    check_distrust(
        "DROP VIEW model_catalog; CREATE VIEW model_catalog AS SELECT 1",
        "DROP VIEW model_catalog; CREATE VIEW model_catalog AS\n"
        "    SELECT id, name, version, model_type, event, created_at, is_active, coalesce(other_format, format) AS format, encoding, "
        "raw_bytes, stored_bytes,\n"
        "           chunk_count, lower(hex(content_sha256)) AS content_sha256, lower(hex(stored_sha256)) AS stored_sha256, "
        "source_host, source_path,\n"
        "           source_mtime, run_id, facts\n"
        "      FROM model_rows",
        "the view model_catalog is not the one of this program");
}
END_TEST

START_TEST(missing_objects)
{
    file_sql("DROP TRIGGER model_rows_delete");
    ck_fails(put_one(store, "new", 1, &err), ERR_SCHEMA, "1 of the tables, views and triggers");
    file_sql("DROP TABLE model_payloads; CREATE VIEW model_payloads AS SELECT 1");
    ck_fails(put_one(store, "new", 1, &err), ERR_SCHEMA, "the view model_payloads is not the one of this program");
}
END_TEST

/* What has nothing to do with us may be there. */
START_TEST(harmless_neighbours)
{
    file_sql(
        "CREATE TABLE notes (x); CREATE VIEW v AS SELECT * FROM models; CREATE TRIGGER t AFTER INSERT ON notes BEGIN SELECT 1; END;"
        "CREATE INDEX of_the_team ON model_rows (event); ALTER TABLE model_rows ADD COLUMN note TEXT");
    ck_ok(schema_require_head(store, target, &err));
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

START_TEST(names_that_are_taken)
{
    SchemaState state;
    Found found = {0};
    file_sql("CREATE TABLE Models (name, version)");
    ck_ok(schema_state(store, &state, &err));
    ck_assert_int_eq(state.kind, SCHEMA_ABSENT);
    ck_ok(store_catalog(store, note_found, &found, &err)); /* nothing of it is ours */
    ck_assert_uint_eq(found.count, 0);
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, "the table Models is there already");
    ck_fails(put_one(store, "x", 1, &err), ERR_SCHEMA, "not there yet");
    file_sql("DROP TABLE Models");
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
    ck_ok(put_one(store, "x", 1, &err));
}
END_TEST

/* As .dump of the shell has it: every table and row, but nothing of the header. */
START_TEST(dumped_file)
{
    Found found = {0};
    ck_ok(put_one(store, "x", 1, &err));
    file_sql("PRAGMA user_version = 0; PRAGMA application_id = 0; VACUUM");
    reopen();
    ck_ok(schema_require_head(store, target, &err));
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 1);
    ck_ok(put_one(store, "y", 1, &err));
    ck_fails(put_one(store, "x", 1, &err), ERR_CONFLICT, "x");
}
END_TEST

START_TEST(newer_program)
{
    Found found = {0};
    ck_ok(put_one(store, "x", 1, &err));
    file_sql(
        "INSERT INTO migrate_models_revisions (revision, slug, checksum) VALUES ('9000', 's', 'c'); PRAGMA user_version = 9000;"
        "CREATE TRIGGER of_its_own AFTER INSERT ON model_rows BEGIN SELECT 1; END");
    ck_fails(schema_require_head(store, target, &err), ERR_SCHEMA, "9000");
    ck_fails(schema_upgrade(store, NULL, NULL, &err), ERR_SCHEMA, "9000");
    ck_fails(put_one(store, "y", 1, &err), ERR_SCHEMA, "newer version");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 1);
}
END_TEST

/* Several programs make the same file. */
START_TEST(made_at_once)
{
    store_close(store);
    store = NULL;
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(upgrade_at_once_in_processes(target), 3);
    ck_assert_str_eq(file_sql("SELECT count(*) FROM migrate_models_revisions"), "3");
    ck_assert_str_eq(file_sql("PRAGMA page_size"), "32768");
    store = open_store(target);
    ck_ok(schema_require_head(store, target, &err));
}
END_TEST

START_TEST(edited_revision)
{
    SchemaState state;
    file_sql("UPDATE migrate_models_revisions SET checksum = 'edited' WHERE revision = '0001'");
    ck_fails(schema_state(store, &state, &err), ERR_SCHEMA, "edited after it was applied");
}
END_TEST

START_TEST(identity)
{
    char first[STORE_IDENTITY_SIZE], again[STORE_IDENTITY_SIZE], other[STORE_IDENTITY_SIZE];
    ck_ok(store_identity(store, first, &err));
    ck_assert_uint_eq(strspn(first, "0123456789abcdef-"), 36);
    reopen();
    ck_ok(store_identity(store, again, &err));
    ck_assert_str_eq(first, again);
    StoreTarget *second = target_of(unit_path("second.db"));
    store_target_may_create(second);
    Store *session = open_store(second);
    ck_ok(store_identity(session, other, &err));
    ck_assert_str_eq(other, ""); /* the tables are not there yet */
    ck_ok(schema_upgrade(session, NULL, NULL, &err));
    ck_ok(store_identity(session, other, &err));
    ck_assert_str_ne(first, other);
    store_close(session);
    store_target_free(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store file schema");
    TCase *made = tcase_create("made"), *bare = tcase_create("bare");
    tcase_add_checked_fixture(made, setup_file, teardown_file);
    tcase_add_checked_fixture(bare, setup_bare_file, teardown_file);
    tcase_set_timeout(made, 60);
    const TTest *const tests[] = {made_at_once,    edited_revision,     identity,    foreign_code,
                                  missing_objects, harmless_neighbours, dumped_file, newer_program};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(made, tests[i]);
    tcase_add_test(bare, names_that_are_taken);
    suite_add_tcase(suite, made);
    suite_add_tcase(suite, bare);
    return unit_run(suite);
}
