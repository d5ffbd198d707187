/* Rows in and out of a store, whatever its kind. */
#include "both.h"

/* The payload of a row, read back. */
static void check_bytes(const StoredModel *row, Spool *payload)
{
    uint64_t bytes = 0, at = 0;
    const void *got, *data;
    size_t len;
    ck_ok(store_fetch_open(store, row->name, row->version, &bytes, &err));
    ck_assert_uint_eq(bytes, payload->bytes);
    for (;;) {
        ck_ok(store_fetch_next(store, &got, &len, &err));
        if (len == 0)
            break;
        char *scratch = malloc(len);
        for (size_t k = 0; k < len;) {
            ptrdiff_t some = spool_view(payload, at + k, len - k, scratch, &data, &err);
            ck_assert_int_gt(some, 0);
            ck_assert_int_eq(memcmp((const char *)got + k, data, (size_t)some), 0);
            k += (size_t)some;
        }
        free(scratch);
        at += len;
    }
    store_fetch_close(store);
    ck_assert_uint_eq(at, bytes);
}

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
    ck_assert_str_eq(ask("SELECT count(*) FROM models"), "0"); /* nothing is seen before the commit */
    ck_ok(store_commit(store, NULL, &err));

    ck_assert_str_eq(
        ask_each(
            "SELECT string_agg(concat_ws('|', name, version, model_type, event, is_active::int, raw_bytes, stored_bytes, format, "
            "encoding, chunk_count, source_host, source_path, to_char(source_mtime AT TIME ZONE 'UTC', 'YYYY-MM-DD "
            "HH24:MI:SS.US'), "
            "run_id, octet_length(model_binary)), E'\\n' ORDER BY id) FROM models",
            "SELECT group_concat(name || '|' || version || '|' || model_type || '|' || event || '|' || is_active || '|' || "
            "raw_bytes || "
            "'|' || stored_bytes || '|' || format || '|' || encoding || '|' || chunk_count || '|' || ifnull(source_host || '|', "
            "'') || "
            "source_path || '|' || source_mtime || '|' || ifnull(run_id || '|', '') || length(model_binary), char(10)) "
            "FROM (SELECT * FROM models ORDER BY id)"),
        "dir/a|1|regression|ev|1|15000|3000|file|gzip|0|host1|models/a.joblib|2023-11-14 22:13:20.123456|" RUN_ID "|3000\n"
        "b|2147483647|regression|ev|0|15728725|3145745|tar|identity|0|bad\\xff path|1969-12-31 23:59:59.999998|3145745\n"
        "c|0|regression|ev|1|0|0|file|gzip|0|host1|models/a.joblib|2023-11-14 22:13:20.123456|" RUN_ID "|0");
    digest_hex(&b.stored, hex);
    StoreProof proof = {.name = "b", .version = b.version, .stored = &b.stored, .bytes = b.stored_bytes};
    ck_ok(store_verify(store, &proof, 1, &err));
    ck_assert(proof.health == STORE_INTACT && proof.doubt != STORE_STANDBY);
    ck_assert_str_eq(ask("SELECT stored_sha256 FROM model_catalog WHERE name = 'b'"), hex);
    ck_ok(sha256_once("b", 1, &digest, &err));
    digest_hex(&digest, hex);
    ck_assert_str_eq(ask("SELECT content_sha256 FROM model_catalog WHERE name = 'b'"), hex);
    ck_assert_str_eq(
        ask_each("SELECT (abs(extract(epoch FROM created_at - now()::timestamp)) < 60)::int FROM models WHERE name = 'b'",
                 "SELECT abs(julianday(created_at) - julianday('now')) < 60.0 / 86400 FROM models WHERE name = 'b'"),
        "1");
    check_bytes(&b, &large);
    check_bytes(&c, &empty);
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
    ask_each("INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand', 7, 't', 'e', 'abc'), "
             "('odd', -1, 't', 'e', '')",
             "INSERT INTO models (name, version, model_type, event, model_binary) VALUES ('hand', 7, 't', 'e', x'616263'), "
             "('odd', -1, 't', 'e', x'')");
    ck_ok(store_catalog(store, note_found, &found, &err));
    ck_assert_uint_eq(found.count, 4); /* in no order, but hand@7 was the last one written */
    ck_assert_ptr_nonnull(strstr(found.text, "x:1\nx:3\ny:1\n"));
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
    const char *before = strdup(ask("SELECT count(*) FROM models"));
    err = (Err){0};
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &good, &payload, &err));
    ck_assert(!(store_put(store, last, its_payload, &err) && store_commit(store, NULL, &err)));
    store_rollback(store);
    ck_assert_msg(err.cls == cls, "%s: %s", err_class_name(err.cls), err.text);
    ck_assert_str_eq(err.code, on_file ? "" : sqlstate);
    ck_assert(sqlstate[0] == '\0' || strstr(err.text, on_file ? last->name : store_target_label(target)) != NULL);
    ck_assert(store_alive(store));
    ck_assert_str_eq(ask("SELECT count(*) FROM models"), before);
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
    check_refused(&row, &payload, ERR_SKIP, on_file ? "" : "22021");

    row = row_of("lies about its size", 1, &payload);
    row.stored_bytes--;
    check_refused(&row, &payload, ERR_BUG, "");
    spool_free(&payload);
}
END_TEST

START_TEST(chunked_rows)
{
    Spool large, small;
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
    ck_assert_str_eq(ask_each("SELECT string_agg(name, ',' ORDER BY id) FROM models",
                              "SELECT group_concat(name) FROM (SELECT name FROM models ORDER BY id)"),
                     "first,chunked,last");
    ck_assert_str_eq(
        ask("SELECT chunk_count || '|' || length(model_binary) || '|' || stored_bytes FROM models WHERE name = 'chunked'"),
        "3|0|33566777");
    ck_assert_str_eq(
        ask_each("SELECT string_agg(seq || ':' || length(data), ',' ORDER BY seq) FROM model_chunks WHERE name = 'chunked' "
                 "AND version = 2",
                 "SELECT group_concat(seq || ':' || length(data)) FROM (SELECT * FROM model_chunks WHERE name = 'chunked' "
                 "AND version = 2 ORDER BY seq)"),
        "0:16777216,1:16777216,2:12345");
    check_bytes(&chunked, &large);
    StoreProof proof = {.name = "chunked", .version = 2, .stored = &chunked.stored, .bytes = bytes};
    ck_ok(store_verify(store, &proof, 1, &err));
    ck_assert_int_eq(proof.health, STORE_INTACT);

    /* A batch that fails behind its chunks leaves none. */
    chunked.version = 3;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &chunked, &large, &err));
    ck_fails(store_put(store, &first, &small, &err) && store_commit(store, NULL, &err), ERR_CONFLICT, "first");
    store_rollback(store);
    ck_assert_str_eq(ask_each("SELECT count(*) FROM model_chunks", "SELECT count(*) FROM upload_chunks"), "3");

    /* One that ends well, with its chunks first. */
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &chunked, &large, &err));
    last.version = 2;
    ck_ok(store_put(store, &last, &small, &err));
    ck_assert_str_eq(ask("SELECT count(*) FROM models WHERE version = 3"), "0");
    ck_ok(store_commit(store, NULL, &err));
    check_bytes(&chunked, &large);
    ask("DELETE FROM models WHERE name = 'chunked'");
    ck_assert_str_eq(ask_each("SELECT count(*) FROM model_chunks", "SELECT count(*) FROM upload_chunks"), "0");
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
    ck_assert_str_eq(ask("SELECT count(*) FROM models"), "0");
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &row, &payload, &err));
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(ask("SELECT count(*) FROM models"), "1");
    spool_free(&payload);
}
END_TEST

START_TEST(runs)
{
    StoreRun run = {.run_id = RUN_ID, .host = "h", .user_name = "u'\"\\", .models_dir = "/m/\xff", .program_version = "1.0"};
    ck_ok(store_run_begin(store, &run, &err));
    ck_ok(store_run_begin(store, &run, &err)); /* its answer was lost */
    ck_assert_str_eq(
        ask("SELECT run_id || '|' || host || '|' || user_name || '|' || models_dir || '|' || program_version FROM model_runs "
            "WHERE finished_at IS NULL AND new_count IS NULL"),
        RUN_ID "|h|u'\"\\|/m/\\xff|1.0");
    run.new_count = 1;
    run.unchanged_count = 2;
    run.conflict_count = 3;
    run.failed_count = 4;
    run.raw_bytes = UINT64_C(5000000000);
    run.stored_bytes = 6;
    run.exit_code = 3;
    ck_ok(store_run_end(store, &run, &err));
    ck_assert_str_eq(
        ask("SELECT new_count || '|' || unchanged_count || '|' || conflict_count || '|' || failed_count || '|' || raw_bytes "
            "|| '|' || stored_bytes || '|' || exit_code FROM model_runs WHERE finished_at IS NOT NULL"),
        "1|2|3|4|5000000000|6|3");
}
END_TEST

START_TEST(latest_view)
{
    ck_ok(put_one(store, "x", 1, &err));
    ck_ok(put_one(store, "x", 2, &err));
    ck_ok(put_one(store, "x", 3, &err));
    ck_ok(put_one(store, "y", 5, &err));
    ask("UPDATE models SET is_active = false WHERE version = 3");
    ck_assert_str_eq(ask_each("SELECT string_agg(name || version, ',' ORDER BY name) FROM latest_models",
                              "SELECT group_concat(name || version) FROM (SELECT * FROM latest_models ORDER BY name)"),
                     "x2,y5");
}
END_TEST

static bool note_listed(void *ctx, const StoredModel *model, Err *e)
{
    (void)e;
    *(StoredModel *)ctx = *model;
    return true;
}

/* The second digest of a directory, wherever a row is told of. */
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
    spool_free(&payload);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {round_trip,     catalog_and_find, hostile_names,
                                  all_or_nothing, chunked_rows,     rollback_and_reuse,
                                  runs,           latest_view,      members_of_a_directory};
    Suite *suite = suite_create("store rows");
    add_both(suite, false, tests, sizeof tests / sizeof *tests);
    return unit_run(suite);
}
