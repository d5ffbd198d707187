/* What restore reads: every row with its payload, proven, or the place of the first one that is not whole. */
#include "../backup_unit.h"

typedef struct Seen {
    size_t rows, asked;
    size_t faults, torn; /* of a killed run: rows that are none, rows without their payload */
    uint64_t bytes;
    const char *refuse; /* not wanted */
    const char *stop; /* the callback fails at this name */
    const char *no_host; /* this one has none */
    char names[400];
} Seen;

static bool is_wanted(void *ctx, const char *name, int32_t version, const Digest *content, bool *wanted, Err *e)
{
    Seen *seen = ctx;
    (void)e;
    Digest expected;
    ck_assert_int_gt(version, 0);
    ck_ok(sha256_once(name, strlen(name), &expected, &err));
    ck_assert(digest_equal(&expected, content));
    seen->asked++;
    *wanted = seen->refuse == NULL || strcmp(seen->refuse, name) != 0;
    return true;
}

/* The row is the one that sample_new made, payload and all. */
static bool take_row(void *ctx, const StoredModel *row, Spool *payload, Err *e)
{
    Seen *seen = ctx;
    if (seen->stop != NULL && strcmp(seen->stop, row->name) == 0)
        return err_set(e, ERR_CONFLICT, "stopped here");
    Sample *sample = sample_new(row->name, row->version, (size_t)row->stored_bytes, SIZE_MAX);
    const StoredModel *was = &sample->row;
    Digest digest;
    Sha256 *sha = sha256_new(&err);
    char scratch[65536];
    const void *data;
    uint64_t at = 0;
    for (ptrdiff_t got; (got = spool_view(payload, at, sizeof scratch, scratch, &data, &err)) > 0; at += (uint64_t)got)
        ck_ok(sha256_add(sha, data, (size_t)got, &err));
    ck_ok(sha256_end(sha, &digest, &err));
    sha256_free(sha);
    ck_assert(at == was->stored_bytes && digest_equal(&digest, &was->stored) && digest_equal(&row->stored, &was->stored));
    ck_assert(row->raw_bytes == was->raw_bytes && row->is_active == was->is_active && row->is_gzip && !row->is_tar);
    ck_assert(row->has_members == was->has_members && digest_equal(&row->members, &was->members));
    ck_assert_str_eq(row->model_type, was->model_type);
    ck_assert_str_eq(row->event, was->event);
    if (seen->no_host != NULL && strcmp(seen->no_host, row->name) == 0)
        ck_assert_str_eq(row->source_host, "");
    else
        ck_assert_str_eq(row->source_host, was->source_host);
    ck_assert_str_eq(row->source_path, was->source_path);
    ck_assert_str_eq(row->run_id, RUN);
    ck_assert_int_eq(row->source_mtime_ns, was->source_mtime_ns / 1000 * 1000);
    size_t used = strlen(seen->names);
    snprintf(seen->names + used, sizeof seen->names - used, "%s@%d ", row->name, (int)row->version);
    seen->rows++;
    seen->bytes += row->stored_bytes;
    sample_free(sample);
    return true;
}

static bool read_rows(Seen *seen, const BackupManifest *manifest, Spool *payload)
{
    BackupReader *reader = NULL;
    BackupRow row;
    bool more = true, wanted, whole;
    if (!backup_reader_open(folder, manifest, &reader, &err))
        return false;
    bool ok = backup_reader_next(reader, &row, &more, &err);
    while (ok && more) {
        if (row.fault != NULL) {
            seen->faults++;
        } else {
            is_wanted(seen, row.model.name, row.model.version, &row.model.content, &wanted, &err);
            ok = !wanted || backup_reader_load(reader, &row, payload, &whole, &err);
            seen->torn += ok && wanted && !whole;
            ok = ok && (!wanted || !whole || take_row(seen, &row.model, payload, &err));
        }
        ok = ok && backup_reader_next(reader, &row, &more, &err);
    }
    backup_reader_close(reader);
    return ok;
}

static bool read_as(Seen *seen, size_t memory_limit, bool killed)
{
    BackupManifest manifest;
    Spool payload;
    ck_ok(backup_manifest_read(folder, &manifest, &err));
    manifest.killed = killed;
    spool_init(&payload, memory_limit, unit_temp_dir());
    bool ok = read_rows(seen, &manifest, &payload);
    spool_free(&payload);
    backup_manifest_free(&manifest);
    return ok;
}

static bool read_all(Seen *seen, size_t memory_limit)
{
    return read_as(seen, memory_limit, false);
}

/* Changes a file, `script` being sed's, and leaves the MANIFEST as it is: read_rows trusts it and proves each row by itself. */
static void edit(const char *name, const char *script)
{
    char command[1500];
    snprintf(command, sizeof command, "LC_ALL=C sed -i -E '%s' '%s'", script, in_folder(name));
    ck_assert_int_eq(system(command), 0);
}

static void store_small_chunk(BackupPart *part, const char *name, int32_t version)
{
    Sample *sample = sample_new(name, version, 3000, SIZE_MAX);
    sample->row.chunk_count = 1;
    ck_ok(backup_part_add(part, &sample->row, &sample->payload, &err));
    sample_free(sample);
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
}

/* large: the chunked row has two pieces, of which the first is 16 MiB; else one that is small. */
static void make_rows(BackupMode mode, bool large)
{
    use_memory_disk();
    setup();
    Backup *backup = open_backup(mode);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "a", 1, 100);
    store(part, "b", 2, 0);
    store(part, "quote\",\\.", 3, 70000);
    store(backup_part(backup, 3, &err), "d", 4, 50);
    if (mode == BACKUP_FULL)
        (large ? store_chunked : store_small_chunk)(backup_part(backup, 3, &err), "large", 5);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
}

static void make(BackupMode mode)
{
    make_rows(mode, false);
}

START_TEST(test_all_rows)
{
    static const size_t limits[] = {SIZE_MAX, 1000, 0};
    make_rows(BACKUP_FULL, true);
    for (size_t i = 0; i < 3; i++) {
        Seen seen = {0};
        ck_ok(read_all(&seen, limits[i]));
        ck_assert_str_eq(seen.names, "a@1 b@2 quote\",\\.@3 d@4 large@5 ");
        ck_assert_uint_eq(seen.asked, 5);
        ck_assert_uint_eq(seen.bytes, 100 + 0 + 70000 + 50 + STORE_CHUNK_BYTES + 12345);
    }
}
END_TEST

START_TEST(test_unwanted_rows_are_not_decoded)
{
    make(BACKUP_FULL);
    edit("part-0.csv", "2s/(\\\\x[0-9a-f]{10})./\\1g/");
    Seen seen = {.refuse = "a"};
    ck_ok(read_all(&seen, SIZE_MAX));
    ck_assert_uint_eq(seen.rows, 4);
    seen = (Seen){0};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, "part-0.csv: row 2: the payload is not the one of stored_sha256");
    ck_assert_uint_eq(seen.rows, 0);
}
END_TEST

/* Nobody looks at its digits, but the row must be one. */
START_TEST(test_unwanted_rows_must_be_whole)
{
    static const char *const scripts[] = {"2s/(\\\\x[0-9a-f]{10})../\\1/", "2s/(\\\\x[0-9a-f]{10})./\\1/", "2s/\\\\x/\\\\y/",
                                          "2s/,f,/,x,/"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        make(BACKUP_FULL);
        edit("part-0.csv", scripts[i]);
        Seen seen = {.refuse = "a"};
        ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, "part-0.csv: row 2: ");
        ck_assert_uint_eq(seen.rows, 0);
        unit_remove_temp();
    }
}
END_TEST

/* An unquoted empty field is NULL. */
START_TEST(test_row_without_a_host)
{
    make(BACKUP_FULL);
    edit("part-0.csv", "3s/\"host-a\"//");
    Seen seen = {.no_host = "b"};
    ck_ok(read_all(&seen, SIZE_MAX));
    ck_assert_uint_eq(seen.rows, 5);
}
END_TEST

/* Each byte of a row is once the first one of a block that is read. */
START_TEST(test_rows_across_blocks)
{
    use_memory_disk();
    setup();
    for (size_t bytes = 128 * 1024 - 400; bytes < 128 * 1024 + 10; bytes++) {
        Seen seen = {0};
        Backup *backup = open_backup(BACKUP_FULL);
        BackupPart *part = backup_part(backup, 0, &err);
        store(part, bytes % 2 == 0 ? "even" : "odd", 1, bytes);
        store(part, "next\"", 2, 10);
        ck_ok(backup_finish(backup, NULL, &err));
        backup_close(backup);
        ck_ok(read_all(&seen, SIZE_MAX));
        ck_assert_uint_eq(seen.rows, 2);
        ck_assert_uint_eq(seen.bytes, bytes + 10);
        ck_assert(unlink(in_folder("part-0.csv")) == 0 && unlink(in_folder("MANIFEST")) == 0);
    }
}
END_TEST

START_TEST(test_error_of_the_callback)
{
    make(BACKUP_FULL);
    Seen seen = {.stop = "quote\",\\."};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_CONFLICT, "stopped here");
    ck_assert_uint_eq(seen.rows, 2);
}
END_TEST

START_TEST(test_backup_without_payloads)
{
    make(BACKUP_META);
    Seen seen = {0};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, "no payloads");
}
END_TEST

static const struct {
    const char *file, *script, *words;
    size_t rows; /* read before it */
} edits[] = {
    {"part-0.csv", "2s/,1,/,x,/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "2s/,1,/,-1,/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "2s/,1,/,99999999999,/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "2s/,1,/,,/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "3s/2026-/x026-/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\\+00:00/+01:00/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/,[^,]*$//", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/$/,more/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "1s/,run_id//", "part-0.csv: row 1: ", 0},
    {"part-0.csv", "2s/(\\\\x[0-9a-f]{10})[0-7]/\\1f/;2s/(\\\\x[0-9a-f]{11})[0-7]/\\1f/;2s/(\\\\x[0-9a-f]{12})[0-7]/\\1f/",
     "part-0.csv: row 2: the payload", 0},
    {"part-0.csv", "2s/(\\\\x[0-9a-f]{10})../\\1/", "part-0.csv: row 2: the payload", 0},
    {"part-0.csv", "2s/(\\\\x[0-9a-f]{10})./\\1/", "part-0.csv: row 2: the payload", 0},
    {"part-0.csv", "2s/\\\\x/x/", "part-0.csv: row 2: ", 0},
    {"part-3.csv", "3s/\"\\\\x\"/\"\\\\x00\"/", "part-3.csv: row 3: the payload", 4},
    {"part-3.csv", "3s/\"\\\\x\"/\"\"/", "part-3.csv: row 3: the payload", 4},
    {"part-3.csv", "3s/\"\\\\x\"/\"\\\\y\"/", "part-3.csv: row 3: the payload", 4},
    {"part-0.csv", "2s/\"\\\\x[0-9a-f]{200}\"//", "part-0.csv: row 2: the payload", 0},
    {"part-0.csv", "2s/(\\\\x[0-9a-f]{10})/\\1\"\"/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "2s/^\"a\"/\"\"/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "2s/,f,/,x,/", "part-0.csv: row 2: not a whole row", 0},
    {"part-0.csv", "3s/\"file\"/\"fil\"/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"gzip\"/\"zip\"/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"earnings\"//", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/-01-01T/-02-30T/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/-01-01T/-00-01T/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/-01-01T/-01-01 /", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/T00:/T24:/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/T00:00:/T00:60:/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/T00:00:00/T00:00:60/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"2026-/\"2926-/", "part-0.csv: row 3: not a whole row", 1}, /* more nanoseconds than there are */
    {"part-0.csv", "3s/0198c0de/0198C0DE/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"earnings\"/\"earn\\nings\"/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"earnings\"/earn\"ings/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"earnings\"/\"earn\"ings/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/\"earnings\"/\"earn\\x00ings\"/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/,0,\"\\\\x/,0,\"\\\\y/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "3s/$/\\r/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "2s/$/\\n/", "part-0.csv: row 3: not a whole row", 1},
    {"part-0.csv", "1s/^/\\xef\\xbb\\xbf/", "part-0.csv: row 1: the columns are not those of a full backup", 0},
    {"part-0.csv", "1s/model_binary,//", "part-0.csv: row 1: the columns are not those of a full backup", 0},
    /* A piece is looked at when its row is. */
    {"chunks-3.csv", "2s/(\\\\x[0-9a-f]{10})./\\1g/", "chunks-3.csv: row 2: the piece", 4},
    {"chunks-3.csv", "2s/(\\\\x[0-9a-f]{10})../\\1/", "chunks-3.csv: row 2: the piece", 4},
    {"chunks-3.csv", "2s/(\\\\x[0-9a-f]{10})./\\1/", "chunks-3.csv: row 2: the piece", 0},
    {"chunks-3.csv", "2s/\\\\x[0-9a-f]{6000}/\\\\x/", "chunks-3.csv: row 2: the piece", 0},
    {"chunks-3.csv", "2s/^\"large\"//", "chunks-3.csv: row 2: not a whole row", 0},
    {"chunks-3.csv", "2s/,5,/,x,/", "chunks-3.csv: row 2: not a whole row", 0},
    {"chunks-3.csv", "2s/,0,\"/,-1,\"/", "chunks-3.csv: row 2: not a whole row", 0},
    {"chunks-3.csv", "2s/,0,\"/,1,\"/", "part-3.csv: row 3: the payload", 4}, /* piece 0 is missing */
    {"chunks-3.csv", "2d", "part-3.csv: row 3: the payload", 4},
    {"chunks-3.csv", "2s/large/other/", "part-3.csv: row 3: the payload", 4},
    {"chunks-3.csv", "2s/,5,/,6,/", "part-3.csv: row 3: the payload", 4},
    {"chunks-3.csv", "1s/,sha256//", "chunks-3.csv: row 1: ", 0},
};

START_TEST(test_edited_files)
{
    make(BACKUP_FULL);
    Buf before = get_file(in_folder(edits[_i].file));
    edit(edits[_i].file, edits[_i].script);
    Buf after = get_file(in_folder(edits[_i].file));
    ck_assert_msg(before.len != after.len || memcmp(before.data, after.data, after.len) != 0, "%s changes nothing",
                  edits[_i].script);
    Seen seen = {0};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, edits[_i].words);
    ck_assert_uint_eq(seen.rows, edits[_i].rows);
    /* Of a killed run it costs that row only, unless no row of the file can be understood. */
    Seen lenient = {0};
    if (strstr(edits[_i].script, "1s/") == edits[_i].script && edits[_i].file[0] == 'p') {
        ck_fails(read_as(&lenient, SIZE_MAX, true), ERR_STOP, edits[_i].words);
    } else {
        ck_ok(read_as(&lenient, SIZE_MAX, true));
        ck_assert_uint_ge(lenient.rows, 4);
        ck_assert_uint_ge(lenient.faults + lenient.torn, 1);
    }
    buf_free(&before);
    buf_free(&after);
}
END_TEST

START_TEST(test_torn_files)
{
    static const char *const names[] = {"part-0.csv", "part-3.csv", "chunks-3.csv"};
    make(BACKUP_FULL);
    for (size_t i = 0; i < 3; i++) {
        Buf whole = get_file(in_folder(names[i]));
        static const size_t cuts[] = {1, 2, 40, 100, 200};
        for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
            put_file(in_folder(names[i]), whole.data, whole.len - cuts[k]);
            Seen seen = {0};
            ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, names[i]);
            if (cuts[k] == 1)
                ck_assert_msg(strstr(err.text, i == 0   ? "row 4: the last line is torn"
                                               : i == 1 ? "row 3: the last"
                                                        : "row 2: the last") != NULL,
                              "%s", err.text);
            ck_assert_uint_lt(seen.rows, 5 + (cuts[k] == 1)); /* without its newline the last row is whole, and the file is not */
        }
        put_file(in_folder(names[i]), whole.data, whole.len);
        buf_free(&whole);
    }
    unlink(in_folder("part-3.csv"));
    Seen seen = {0};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, "part-3.csv");
}
END_TEST

/* Pieces may stand in any order. */
START_TEST(test_chunks_in_another_order)
{
    char command[1200];
    make_rows(BACKUP_FULL, true);
    snprintf(command, sizeof command,
             "cd '%s' && { head -n 1 chunks-3.csv; tail -n 1 chunks-3.csv; sed -n 2p chunks-3.csv; } > new && mv new chunks-3.csv",
             folder);
    ck_assert_int_eq(system(command), 0);
    Seen seen = {0};
    ck_ok(read_all(&seen, 1000));
    ck_assert_uint_eq(seen.rows, 5);
}
END_TEST

/* Each piece is as its digest says, but they are not in the order of the payload. */
START_TEST(test_chunks_that_are_exchanged)
{
    make_rows(BACKUP_FULL, true);
    edit("chunks-3.csv", "2s/,0,\"/,1,\"/;3s/,1,\"/,0,\"/");
    Seen seen = {0};
    ck_fails(read_all(&seen, SIZE_MAX), ERR_STOP, "part-3.csv: row 3: the payload is not the one of stored_sha256");
    ck_assert_uint_eq(seen.rows, 4);
}
END_TEST

/* Pieces may stand in several files. */
START_TEST(test_chunks_in_several_files)
{
    char command[1200];
    use_memory_disk();
    setup();
    Backup *backup = open_backup(BACKUP_FULL);
    store_small_chunk(backup_part(backup, 0, &err), "a", 1);
    store_chunked(backup_part(backup, 3, &err), "large", 5);
    store_small_chunk(backup_part(backup, 3, &err), "z", 6);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    snprintf(command, sizeof command, "cd '%s' && sed -n 3p chunks-3.csv >>chunks-0.csv && sed -i 3d chunks-3.csv", folder);
    ck_assert_int_eq(system(command), 0);
    Seen seen = {0};
    ck_ok(read_all(&seen, 1000));
    ck_assert_str_eq(seen.names, "a@1 large@5 z@6 ");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup/backup_read");
    TCase *tc = tcase_create("read");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, NULL, unit_remove_temp);
    tcase_add_test(tc, test_all_rows);
    tcase_add_test(tc, test_unwanted_rows_are_not_decoded);
    tcase_add_test(tc, test_unwanted_rows_must_be_whole);
    tcase_add_test(tc, test_row_without_a_host);
    tcase_add_test(tc, test_rows_across_blocks);
    tcase_add_test(tc, test_error_of_the_callback);
    tcase_add_test(tc, test_backup_without_payloads);
    tcase_add_loop_test(tc, test_edited_files, 0, (int)(sizeof edits / sizeof *edits));
    tcase_add_test(tc, test_torn_files);
    tcase_add_test(tc, test_chunks_in_another_order);
    tcase_add_test(tc, test_chunks_that_are_exchanged);
    tcase_add_test(tc, test_chunks_in_several_files);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
