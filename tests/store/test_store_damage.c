/* Files that are damaged, disks that fail, and runs that were killed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "file.h"
#include "store/database.h"

static bool no_version(void *ctx, const StoreVersion *version, Err *e)
{
    (void)e;
    *(size_t *)ctx += version->version > 0;
    return true;
}

static bool no_model(void *ctx, const StoredModel *model, Err *e)
{
    (void)e;
    *(size_t *)ctx += strlen(model->name) + strlen(model->run_id);
    return true;
}

static char *read_all(const char *name, size_t *len)
{
    struct stat status;
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &status), 0);
    char *data = malloc((size_t)status.st_size);
    ck_assert_int_eq(read(fd, data, (size_t)status.st_size), status.st_size);
    close(fd);
    *len = (size_t)status.st_size;
    return data;
}

static void write_all(const char *name, const char *data, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    close(fd);
}

/* Everything that a command asks a store for. The answer may be an error, and says of which file. */
static void use_all(const char *name)
{
    size_t seen = 0, len = 1;
    uint64_t bytes;
    const void *data;
    const char *names[] = {"m1", "chunked"};
    SchemaState state;
    char identity[STORE_IDENTITY_SIZE];
    StoreProof proofs[] = {{.name = "m1", .version = 1}, {.name = "chunked", .version = 1}};
    StoreTarget *damaged = target_of(name);
    Store *session = NULL;
    err = (Err){0};
    bool ok = store_open(damaged, &session, NULL, &err);
    if (ok) {
        ok = schema_state(session, &state, &err) & store_catalog(session, no_version, &seen, &err) &
             store_find(session, names, 2, no_version, &seen, &err) & store_list(session, NULL, no_model, &seen, &err) &
             store_identity(session, identity, &err) & store_verify(session, proofs, 2, &err) & store_examine(session, &err);
        for (size_t i = 0; i < 2; i++) {
            if (store_fetch_open(session, names[i], 1, &bytes, NULL))
                for (len = 1; len > 0 && store_fetch_next(session, &data, &len, NULL);)
                    ;
            store_fetch_close(session);
        }
        ok &= put_one(session, "new", 1, &err);
        store_close(session);
    }
    ck_assert(ok || err.cls != ERR_NONE);
    ck_assert_msg(ok || strstr(err.text, "damaged.db") != NULL || strchr(err.text, '@') != NULL || err.cls == ERR_SKIP, "%s",
                  err.text);
    store_target_free(damaged);
}

/* A small file with everything in it. */
static char *make_file(size_t *len)
{
    Spool payload;
    fill_spool(&payload, 40000, 3, 1 << 20);
    for (int i = 0; i < 5; i++) {
        char name[24];
        snprintf(name, sizeof name, "m%d", i);
        ck_ok(put_one(store, name, 1, &err));
    }
    StoredModel row = row_of("chunked", 1, &payload);
    row.chunk_count = 1;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    store_close(store);
    store = NULL;
    spool_free(&payload);
    return read_all(path, len);
}

START_TEST(truncated)
{
    size_t len;
    char *data = make_file(&len);
    const char *name = unit_path("damaged.db");
    char copy[400];
    snprintf(copy, sizeof copy, "%s", name);
    for (size_t cut = 0; cut < len; cut += cut < 300 ? 37 : 20011) {
        write_all(copy, data, cut);
        use_all(copy);
    }
    free(data);
}
END_TEST

/* One byte after the other in the headers and cells, where it does the most harm. */
START_TEST(flipped)
{
    size_t len;
    char *data = make_file(&len), copy[400];
    uint64_t random = (uint64_t)_i + 1;
    snprintf(copy, sizeof copy, "%s", unit_path("damaged.db"));
    for (int round = 0; round < 40; round++) {
        char *bad = malloc(len);
        memcpy(bad, data, len);
        for (int k = 0; k <= round % 4; k++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            size_t page = (size_t)(random >> 33) % (len / 32768) * 32768, at = (size_t)(random >> 13) % (round % 2 ? 120 : 32768);
            bad[page + at] = (char)(random >> 56);
        }
        write_all(copy, bad, len);
        use_all(copy);
        free(bad);
    }
    free(data);
}
END_TEST

START_TEST(not_a_database)
{
    static const char *const starts[] = {"hello, this is no database", "SQLite format 3", "\x1f\x8b\x08"};
    static const size_t lengths[] = {500, 200, 3};
    char copy[400];
    snprintf(copy, sizeof copy, "%s", unit_path("damaged.db"));
    for (size_t i = 0; i < 3; i++) {
        char text[500];
        Store *session = NULL;
        size_t len;
        memset(text, '.', sizeof text);
        memcpy(text, starts[i], strlen(starts[i]) + (i == 1)); /* the magic word of a file ends with a NUL */
        write_all(copy, text, lengths[i]);
        StoreTarget *other = target_of(copy);
        ck_assert(!store_open(other, &session, NULL, &err) || !schema_upgrade(session, NULL, NULL, &err));
        ck_assert_msg(err.cls == ERR_STOP && strstr(err.text, "damaged.db") != NULL, "%s", err.text);
        store_close(session);
        store_target_free(other);
        char *now = read_all(copy, &len); /* nothing was written over it */
        ck_assert_uint_eq(len, lengths[i]);
        ck_assert_int_eq(memcmp(now, text, len), 0);
        free(now);
    }
    write_all(copy, "", 0); /* nothing at all is a file that somebody began to make */
    StoreTarget *other = target_of(copy);
    Store *session = open_store(other);
    ck_ok(schema_upgrade(session, NULL, NULL, &err));
    store_close(session);
    store_target_free(other);
}
END_TEST

START_TEST(damaged_payload)
{
    Spool payload;
    StoreProof proofs[] = {{.name = "victim", .version = 1}, {.name = "m0", .version = 1}};
    fill_spool(&payload, 200000, 3, 1 << 20);
    StoredModel row = row_of("victim", 1, &payload);
    ck_ok(put_one(store, "m0", 1, &err));
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_ok(store_examine(store, &err));
    size_t len;
    char *data = read_all(path, &len);
    data[len - 32768 - 100] ^= 1;
    write_all(path, data, len);
    free(data);
    reopen();
    ck_ok(store_verify(store, proofs, 2, &err));
    ck_assert_int_eq(proofs[0].health, STORE_DAMAGED);
    ck_assert_int_eq(proofs[1].health, STORE_INTACT);
    uint64_t bytes;
    size_t piece;
    const void *bits;
    data = read_all(path, &len);
    memset(data + len - (size_t)3 * 32768, 0xff, 4); /* it says where the payload goes on */
    write_all(path, data, len);
    free(data);
    reopen();
    ck_fails(store_examine(store, &err), ERR_STOP, "x.db");
    ck_ok(store_verify(store, proofs, 2, &err));
    ck_assert_int_eq(proofs[0].health, STORE_DAMAGED);
    ck_assert_int_eq(proofs[1].health, STORE_INTACT);
    ck_ok(store_fetch_open(store, "victim", 1, &bytes, &err));
    ck_fails(store_fetch_next(store, &bits, &piece, &err), ERR_SKIP, "victim@1: cannot be read");
    store_fetch_close(store);
    file_sql("DELETE FROM model_payloads WHERE model_id = 1"); /* not even a payload */
    ck_fails(store_fetch_open(store, "m0", 1, &bytes, &err), ERR_SKIP, "m0@1");
    ck_ok(store_verify(store, proofs, 2, &err));
    ck_assert_int_eq(proofs[1].health, STORE_DAMAGED);
    spool_free(&payload);
}
END_TEST

/* --- the disk ---------------------------------------------------------------------------------------------------------------- */

START_TEST(full_disk)
{
    Spool payload;
    StoreOutcome outcome = STORE_UNKNOWN;
    Err why = {0};
    fill_spool(&payload, 3 * 1024 * 1024, 3, 1 << 22);
    StoredModel row = row_of("x", 1, &payload);
    ck_ok(database_begin(store, true, &err));
    ck_ok(database_run(store, "PRAGMA max_page_count = 40", NULL, &err));
    database_rollback(store);
    ck_ok(store_begin(store, &err));
    ck_assert(!store_put(store, &row, &payload, &why) || !store_commit(store, &outcome, &why));
    ck_assert_msg(why.cls == ERR_STOP && strstr(why.text, "full") != NULL, "%s", why.text);
    store_rollback(store);
    ck_assert(store_alive(store));
    ck_ok(put_one(store, "small", 1, &err));
    ck_assert_str_eq(file_sql("SELECT group_concat(name) FROM models"), "small");
    spool_free(&payload);
}
END_TEST

static sqlite3_vfs failing;
static bool fails;

static int fail_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return fails ? SQLITE_IOERR_DELETE : sqlite3_vfs_find("unix")->xDelete(vfs, name, sync);
}

/* The journal could not be removed: whoever opens the file next plays it back, and only that tells what is there. */
START_TEST(lost_commit)
{
    Spool payload;
    StoreOutcome outcome = STORE_COMMITTED;
    Found found = {0};
    fill_spool(&payload, 1000, 3, 1 << 22);
    StoredModel row = row_of("x", 1, &payload);
    failing = *sqlite3_vfs_find(NULL);
    failing.zName = "failing";
    failing.xDelete = fail_delete;
    ck_assert_int_eq(sqlite3_vfs_register(&failing, 1), SQLITE_OK);
    reopen();
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    fails = true;
    ck_fails(store_commit(store, &outcome, &err), ERR_RETRY, "x.db");
    ck_assert_int_eq(outcome, STORE_UNKNOWN);
    ck_assert(!store_alive(store));
    store_rollback(store);
    fails = false;
    reopen();
    ck_ok(store_wait_writers(store, &err));
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_le(found.count, 1);
    ck_assert_str_eq(file_sql("PRAGMA integrity_check"), "ok");
    spool_free(&payload);
}
END_TEST

/* --- uploads ----------------------------------------------------------------------------------------------------------------- */

static StoredModel chunked_row(Spool *payload)
{
    fill_spool(payload, STORE_CHUNK_BYTES + 9, 3, 4096);
    StoredModel row = row_of("big", 1, payload);
    row.chunk_count = 2;
    return row;
}

/* A process that dies between the chunks and the row. */
static void die_behind_chunks(void)
{
    Spool payload;
    StoredModel row = chunked_row(&payload);
    store_close(store);
    store = NULL;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        Store *session = NULL;
        _exit(store_open(target, &session, NULL, NULL) && store_begin(session, NULL) && store_put(session, &row, &payload, NULL)
                  ? 0
                  : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    store = open_store(target);
    spool_free(&payload);
}

START_TEST(dead_uploads_are_removed)
{
    die_behind_chunks();
    ck_assert_str_eq(file_sql("SELECT count(*) FROM upload_chunks"), "2");
    ck_assert_str_eq(file_sql("SELECT count(*) FROM model_chunks"), "0"); /* nobody sees them */
    file_sql("INSERT INTO model_uploads (upload_id, host, pid) VALUES (7, 'elsewhere', 1);"
             "INSERT INTO upload_chunks (upload_id, seq, sha256, data) VALUES (7, 0, zeroblob(32), x'00')");
    ck_ok(store_begin(store, &err)); /* the first batch of a session */
    store_rollback(store);
    ck_assert_str_eq(file_sql("SELECT group_concat(upload_id) FROM upload_chunks"), "7");
    ck_assert_str_eq(file_sql("SELECT group_concat(upload_id) FROM model_uploads"), "7");
    file_sql("UPDATE model_uploads SET started_at = '2020-01-01 00:00:00.000000'");
    reopen();
    ck_ok(store_begin(store, &err));
    store_rollback(store);
    ck_assert_str_eq(file_sql("SELECT (SELECT count(*) FROM upload_chunks) + (SELECT count(*) FROM model_uploads)"), "0");
}
END_TEST

/* Another run took it for dead: its row must not become visible without its chunks. */
START_TEST(upload_that_was_taken)
{
    Spool payload;
    StoreOutcome outcome = STORE_UNKNOWN;
    StoredModel row = chunked_row(&payload);
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_assert_str_eq(file_sql("SELECT count(*) FROM upload_chunks"), "2"); /* no transaction keeps anybody waiting */
    file_sql("UPDATE model_uploads SET pid = 0; DELETE FROM upload_chunks WHERE seq = 0");
    ck_fails(store_commit(store, &outcome, &err), ERR_RETRY, "removed the chunks");
    ck_assert_int_eq(outcome, STORE_REFUSED);
    store_rollback(store);
    ck_assert_str_eq(file_sql("SELECT (SELECT count(*) FROM upload_chunks) + (SELECT count(*) FROM models)"), "0");
    spool_free(&payload);
}
END_TEST

START_TEST(damaged_chunks)
{
    Spool payload;
    StoreProof proof = {.name = "big", .version = 1};
    static const char *const damages[] = {
        "UPDATE upload_chunks SET data = zeroblob(length(data)) WHERE seq = 1",
        "DELETE FROM upload_chunks WHERE seq = 1",
        "INSERT INTO upload_chunks (upload_id, seq, sha256, data) SELECT upload_id, 2, sha256, x'00' FROM upload_chunks WHERE seq "
        "= 0",
        "UPDATE upload_chunks SET data = CAST(data || x'00' AS BLOB) WHERE seq = 1",
        "UPDATE model_rows SET chunk_count = 1",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        StoredModel row = chunked_row(&payload);
        ck_ok(store_begin(store, &err));
        ck_ok(store_put(store, &row, &payload, &err));
        ck_ok(store_commit(store, NULL, &err));
        ck_ok(store_verify(store, &proof, 1, &err));
        ck_assert_int_eq(proof.health, STORE_INTACT);
        file_sql(damages[i]);
        ck_ok(store_verify(store, &proof, 1, &err));
        ck_assert_msg(proof.health == STORE_DAMAGED, "%s", damages[i]);
        file_sql("DELETE FROM models");
        spool_free(&payload);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store damage");
    TCase *tcase = tcase_create("damage");
    tcase_add_checked_fixture(tcase, setup_file, teardown_file);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, truncated);
    tcase_add_loop_test(tcase, flipped, 0, 3);
    const TTest *const tests[] = {not_a_database,           damaged_payload,       full_disk,     lost_commit,
                                  dead_uploads_are_removed, upload_that_was_taken, damaged_chunks};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
