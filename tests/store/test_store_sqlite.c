/* What is of files alone: the file itself, its locks, what other programs write into it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/store/sqlite/session/target.h"
#include "base/interrupt.h"
#include "file.h"

#define FOREIGN(name, version)                                                                                                     \
    "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('" name "', " version ", 't', 'e', x'616263');"

static Digest digest_of_text(const char *text)
{
    Digest digest;
    ck_ok(sha256_once(text, strlen(text), &digest, &err));
    return digest;
}

static StoreVersion find_one(Store *session, const char *name)
{
    Found found = {0};
    ck_ok(store_find(session, &name, 1, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 1);
    return found.last;
}

static void check_content(Store *session, const char *name, const Digest *expected)
{
    StoreVersion found = find_one(session, name);
    ck_assert(!found.is_unhashed && digest_equal(&found.content, expected));
}

static StoreHealth health_of(const char *name)
{
    StoreProof proof = {.name = name, .version = 1};
    ck_ok(store_verify(store, &proof, 1, &err));
    return proof.health;
}

/* --- the file ---------------------------------------------------------------------------------------------------------------- */

START_TEST(file_is_private)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_str_eq(file_sql("PRAGMA page_size"), "32768");
    ck_assert_str_eq(file_sql("PRAGMA application_id"), "1296909378");
    ck_assert_str_eq(file_sql("PRAGMA user_version"), "3");
    ck_assert_str_eq(file_sql("PRAGMA journal_mode"), "delete");
    ck_assert_str_eq(file_sql("PRAGMA integrity_check"), "ok");
}
END_TEST

/* What SQLite 3.26 does not know would keep it from opening the file at all. */
START_TEST(old_readers_can_read)
{
    const char *all = file_sql("SELECT group_concat(upper(sql), ' ') FROM sqlite_master");
    static const char *const younger[] = {" STRICT", "RETURNING", "GENERATED", "ON CONFLICT", "IIF(", "UNIXEPOCH", "->>"};
    for (size_t i = 0; i < sizeof younger / sizeof *younger; i++)
        ck_assert_msg(strstr(all, younger[i]) == NULL, "%s", younger[i]);
}
END_TEST

START_TEST(missing_file)
{
    Store *other = NULL;
    StoreTarget *missing = target_of(unit_path("none.db"));
    ck_assert(store_target_is_missing(missing));
    ck_fails(store_open(missing, &other, NULL, &err), ERR_USAGE, "there is no file");
    store_target_may_be_missing(missing);
    Found found = {0};
    other = open_store(missing); /* for a dry run: an empty store */
    ck_ok(store_catalog(other, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 0);
    store_close(other);
    ck_assert(store_target_is_missing(missing));
    store_target_free(missing);
    missing = target_of(unit_path("none.db"));
    store_target_may_create(missing);
    other = open_store(missing);
    ck_assert(!store_target_is_missing(missing));
    store_close(other);
    store_target_free(missing);
    ck_fails(store_target_new(unit_path("no/none.db"), &quick, &missing, &err), ERR_USAGE, "folder");
}
END_TEST

static void check_key(const char *url, const char *expected)
{
    StoreTarget *other = target_of(url);
    ck_assert_str_eq(store_target_key(other), expected);
    store_target_free(other);
}

/* One file has one key, by whatever path it is named, and before it is there. */
START_TEST(key_is_of_the_real_path)
{
    char url[500], key[128], relative[] = "sqlite:///x.db";
    snprintf(key, sizeof key, "%s", store_target_key(target));
    ck_assert_int_eq(strncmp(key, "sqlite-x.db-", 12), 0);
    ck_assert_uint_eq(strlen(key), 12 + 8);
    ck_assert_int_eq(symlink(path, unit_path("link.db")), 0);
    check_key(unit_path("link.db"), key);
    snprintf(url, sizeof url, "sqlite:///%s?mode=ro", path);
    check_key(url, key);
    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    check_key(relative, key);
    check_key("./x.db", key);
    store_close(store);
    store = NULL;
    ck_assert_int_eq(unlink(path), 0);
    check_key("x.db", key);
    check_key("link.db", key); /* which leads to what is not there yet */
    ck_assert_int_eq(symlink("link.db", "link2.db"), 0);
    check_key("link2.db", key);
    ck_assert_int_eq(symlink("loop.db", "loop.db"), 0);
    ck_fails(store_target_new("loop.db", &quick, &target, &err), ERR_USAGE, "symbolic links");
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    StoreTarget *namesake = target_of("sub/x.db");
    ck_assert_str_ne(store_target_key(namesake), key);
    store_target_free(namesake);
}
END_TEST

START_TEST(no_regular_file)
{
    static const char *const names[] = {"fifo.db", "folder.db"};
    ck_assert_int_eq(mkfifo(unit_path(names[0]), 0600), 0);
    ck_assert_int_eq(mkdir(unit_path(names[1]), 0700), 0);
    for (size_t i = 0; i < 2; i++) {
        Store *session = NULL;
        StoreTarget *other = target_of(unit_path(names[i]));
        store_target_may_create(other);
        ck_fails(store_open(other, &session, NULL, &err), ERR_USAGE, "no regular file");
        store_target_free(other);
    }
}
END_TEST

START_TEST(network_file_systems)
{
    bool sure = false;
    ck_assert_str_eq(sqlite_network_kind(0x6969, &sure), "NFS");
    ck_assert(sure);
    ck_assert_str_eq(sqlite_network_kind((unsigned long)-11317950, &sure), "CIFS"); /* f_type is signed here and there */
    ck_assert_str_eq(sqlite_network_kind(0x65735546, &sure), "FUSE");
    ck_assert(!sure);
    ck_assert_ptr_null(sqlite_network_kind(0xef53, &sure)); /* ext4 */
}
END_TEST

START_TEST(journal_of_the_address)
{
    char url[500];
    snprintf(url, sizeof url, "%s?journal=wal", unit_path("wal.db"));
    StoreTarget *wal = target_of(url);
    store_target_may_create(wal);
    Store *other = open_store(wal);
    ck_ok(schema_upgrade(other, NULL, NULL, &err));
    ck_ok(put_one(other, "x", 1, &err));
    snprintf(path, sizeof path, "%s", unit_path("wal.db"));
    ck_assert_str_eq(file_sql("PRAGMA journal_mode"), "wal");
    ck_assert_str_eq(file_sql("SELECT count(*) FROM models"), "1");
    store_close(other);
    store_target_free(wal);
}
END_TEST

START_TEST(read_only)
{
    static const char *const words[] = {"mode=ro", "immutable=1"};
    char url[500];
    Found found = {0};
    StoreRun run = {.run_id = RUN_ID, .host = "h", .user_name = "u", .models_dir = "d", .program_version = "1"};
    ck_ok(put_one(store, "x", 1, &err));
    for (size_t i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "%s?%s", path, words[i]);
        StoreTarget *reader = target_of(url);
        Store *session = open_store(reader);
        ck_ok(store_catalog(session, note_found, &found, &err));
        ck_assert_uint_eq(found.count, i + 1);
        ck_fails(store_begin(session, &err), ERR_READ_ONLY, "only read");
        ck_fails(store_run_begin(session, &run, &err), ERR_READ_ONLY, "only read");
        ck_assert(store_alive(session));
        store_close(session);
        store_target_free(reader);
    }
}
END_TEST

/* Proofs from a file that nobody else sees any more would be worth nothing. */
START_TEST(file_that_moved)
{
    StoreProof proof = {.name = "x", .version = 1};
    ck_ok(put_one(store, "x", 1, &err));
    ck_assert_int_eq(rename(path, unit_path("elsewhere.db")), 0);
    ck_fails(store_verify(store, &proof, 1, &err), ERR_STOP, "no longer where it was");
    ck_fails(put_one(store, "y", 1, &err), ERR_STOP, "no longer where it was");
}
END_TEST

/* --- locks ------------------------------------------------------------------------------------------------------------------- */

static sqlite3 *hold(const char *statement)
{
    sqlite3 *other = NULL;
    ck_assert_int_eq(sqlite3_open(path, &other), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(other, statement, NULL, NULL, NULL), SQLITE_OK);
    return other;
}

START_TEST(locked_file)
{
    Found found = {0};
    double start = clock_seconds();
    sqlite3 *other = hold("BEGIN EXCLUSIVE");
    ck_fails(put_one(store, "x", 1, &err), ERR_RETRY, "locked");
    ck_assert_double_ge(clock_seconds() - start, quick.lock_timeout);
    ck_fails(store_catalog(store, note_found, &found, &err), ERR_RETRY, "locked");
    ck_fails(store_wait_writers(store, &err), ERR_RETRY, "locked");
    sqlite3_close(other);
    other = hold("BEGIN IMMEDIATE");
    ck_ok(store_catalog(store, note_found, &found, &err)); /* who has not begun to write stops no reader */
    sqlite3_close(other);
    ck_ok(put_one(store, "x", 1, &err));
    ck_ok(store_wait_writers(store, &err));
}
END_TEST

/* A reader keeps the commit waiting; it is refused, and the batch can come again. */
START_TEST(reader_in_the_way)
{
    Spool payload;
    StoreOutcome outcome = STORE_UNKNOWN;
    fill_spool(&payload, 1000, 1, 1 << 20);
    StoredModel row = row_of("x", 1, &payload);
    sqlite3 *other = hold("BEGIN; SELECT count(*) FROM model_rows");
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_fails(store_commit(store, &outcome, &err), ERR_RETRY, "locked");
    ck_assert_int_eq(outcome, STORE_REFUSED);
    store_rollback(store);
    sqlite3_close(other);
    ck_ok(put_one(store, "x", 1, &err));
    spool_free(&payload);
}
END_TEST

START_TEST(signal_ends_the_wait)
{
    StoreTuning patient = {.connect_timeout = 2, .timeout = 2, .lock_timeout = 25};
    StoreTarget *waiting = NULL;
    ck_ok(store_target_new(path, &patient, &waiting, &err));
    Store *session = open_store(waiting);
    sqlite3 *other = hold("BEGIN EXCLUSIVE");
    double start = clock_seconds();
    interrupt_set(SIGTERM);
    ck_assert(!put_one(session, "x", 1, &err));
    ck_assert_double_lt(clock_seconds() - start, 15);
    sqlite3_close(other);
    ck_ok(put_one(session, "x", 1, &err)); /* what is short ends well behind a signal, too */
    store_close(session);
    store_target_free(waiting);
}
END_TEST

/* --- other programs ---------------------------------------------------------------------------------------------------------- */

START_TEST(view_writes_like_the_table)
{
    file_sql(FOREIGN("hand", "7"));
    ck_assert_str_eq(file_sql("SELECT is_active || chunk_count || (created_at LIKE '20__-__-__ __:__:__.______') FROM models"),
                     "101");
    ck_assert(find_one(store, "hand").version == 7);
    ck_assert(!find_one(store, "hand").is_unhashed);
    file_sql("UPDATE models SET is_active = 0, event = 'f' WHERE name = 'hand'");
    ck_assert_str_eq(file_sql("SELECT is_active || event || hex(model_binary) FROM models"), "0f616263");
    file_sql("UPDATE models SET id = 99, version = 8");
    ck_assert_str_eq(file_sql("SELECT id || version || hex(model_binary) FROM models"), "998616263");
    file_sql("DELETE FROM models WHERE name = 'hand'");
    ck_assert_str_eq(file_sql("SELECT (SELECT count(*) FROM model_rows) + (SELECT count(*) FROM model_payloads)"), "0");
    file_sql(FOREIGN("hand", "7") "INSERT OR REPLACE INTO models (name, version, model_type, event, model_binary) "
                                  "VALUES ('hand', 7, 't', 'e', x'78')");
    ck_assert_str_eq(file_sql("SELECT hex(model_binary) FROM models"), "78");
}
END_TEST

/* Other bytes under a recorded digest would be damage; a program that knows no digests means new content. */
START_TEST(view_forgets_digests)
{
    Spool large;
    Digest x = digest_of_text("x");
    fill_spool(&large, STORE_CHUNK_BYTES + 5, 5, 4096);
    StoredModel chunked = row_of("chunked", 1, &large);
    chunked.chunk_count = 2;
    ck_ok(put_one(store, "a", 1, &err));
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &chunked, &large, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_int_eq(health_of("a"), STORE_INTACT);
    file_sql("UPDATE models SET is_active = 0");
    ck_assert_int_eq(health_of("a"), STORE_INTACT);
    ck_assert_int_eq(health_of("chunked"), STORE_INTACT);
    file_sql("UPDATE models SET model_binary = x'78'");
    ck_assert_int_eq(health_of("a"), STORE_UNPROVEN);
    ck_assert_int_eq(health_of("chunked"), STORE_UNPROVEN);
    check_content(store, "chunked", &x);
    ck_assert_str_eq(file_sql("SELECT count(*) FROM upload_chunks"), "0");
    spool_free(&large);
}
END_TEST

START_TEST(refused_writes)
{
    static const char *const statements[] = {
        "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('a', 1, 't', 'e', 'text')",
        "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('a', 'one', 't', 'e', x'')",
        "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('a', 1, 't', 'e', NULL)",
        "INSERT INTO models (name, version, model_type, event, model_binary) VALUES (NULL, 1, 't', 'e', x'')",
        "INSERT INTO models (name, version, model_type, event, model_binary, content_sha256) VALUES ('a', 1, 't', 'e', x'', x'00')",
        "INSERT INTO models (name, version, model_type, event, model_binary, is_active) VALUES ('a', 1, 't', 'e', x'', 2)",
    };
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        sqlite3 *other = hold("SELECT 1");
        ck_assert_msg(sqlite3_exec(other, statements[i], NULL, NULL, NULL) == SQLITE_CONSTRAINT, "%s", statements[i]);
        sqlite3_close(other);
    }
    ck_assert_str_eq(file_sql("SELECT (SELECT count(*) FROM model_rows) + (SELECT count(*) FROM model_payloads)"), "0");
}
END_TEST

START_TEST(digests_are_kept)
{
    Digest abc = digest_of_text("abc"), lie = digest_of_text("lie"), x = digest_of_text("x");
    file_sql(FOREIGN("hand", "1"));
    check_content(store, "hand", &abc);
    ck_assert_str_eq(file_sql("SELECT count(*) FROM model_digests"), "0"); /* a reader writes nothing */
    store_use_digests(store, true);
    check_content(store, "hand", &abc);
    ck_assert_str_eq(file_sql("SELECT count(*) FROM model_digests"), "1");
    char query[200], hex[2 * DIGEST_BYTES + 1];
    digest_hex(&lie, hex);
    snprintf(query, sizeof query, "UPDATE model_digests SET sha256 = x'%s'", hex);
    file_sql(query);
    check_content(store, "hand", &lie); /* it was not hashed again */
    Store *other = open_store(target);
    check_content(other, "hand", &abc); /* a proof believes nothing */
    store_close(other);
    file_sql("UPDATE models SET event = 'f'"); /* the payload is the same */
    check_content(store, "hand", &lie);
    file_sql("UPDATE models SET model_binary = x'78'");
    check_content(store, "hand", &x);
    file_sql("UPDATE model_payloads SET data = x'616263'");
    check_content(store, "hand", &abc);
    file_sql("DELETE FROM models");
    ck_assert_str_eq(file_sql("SELECT count(*) FROM model_digests"), "0");
}
END_TEST

static bool note_odd(void *ctx, const StoreOdd *odd, Err *e)
{
    (void)e;
    snprintf(ctx, 200, "%s|%s", odd->name != NULL ? odd->name : "none", odd->problem);
    return true;
}

/* A name that cannot be one of ours costs no other row anything. */
START_TEST(names_that_are_none)
{
    Found found = {0};
    char odd[200] = "";
    ck_ok(put_one(store, "good", 1, &err));
    file_sql(
        "INSERT INTO models (name, version, model_type, event, model_binary) VALUES (CAST(x'61ff' AS TEXT), 1, 't', 'e', x'')");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_str_eq(found.text, "good:1\n");
    ck_ok(store_odd_rows(store, NULL, note_odd, odd, &err));
    ck_assert_str_eq(odd, "none|its name is no text in UTF-8");
    file_sql("DELETE FROM model_rows WHERE name <> 'good'; UPDATE model_rows SET version = -4");
    ck_ok(store_odd_rows(store, "good", note_odd, odd, &err));
    ck_assert_ptr_nonnull(strstr(odd, "good|its version"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store sqlite");
    TCase *file = tcase_create("file");
    tcase_add_checked_fixture(file, setup_file, teardown_file);
    tcase_set_timeout(file, 60);
    const TTest *const tests[] = {no_regular_file,
                                  file_is_private,
                                  network_file_systems,
                                  old_readers_can_read,
                                  missing_file,
                                  key_is_of_the_real_path,
                                  journal_of_the_address,
                                  read_only,
                                  file_that_moved,
                                  locked_file,
                                  reader_in_the_way,
                                  signal_ends_the_wait,
                                  view_writes_like_the_table,
                                  view_forgets_digests,
                                  refused_writes,
                                  digests_are_kept,
                                  names_that_are_none};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(file, tests[i]);
    suite_add_tcase(suite, file);
    return unit_run(suite);
}
