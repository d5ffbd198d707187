#include "../backup_unit.h"

START_TEST(nothing_stored_leaves_nothing)
{
    uint64_t rows = 99;
    for (int mode = BACKUP_FULL; mode <= BACKUP_NONE; mode++) {
        Backup *backup = open_backup((BackupMode)mode);
        BackupPart *part = backup_part(backup, 0, &err);
        ck_assert_ptr_nonnull(part);
        ck_assert_ptr_eq(backup_part(backup, 0, &err), part);
        ck_ok(backup_part_sync(part, &err));
        ck_ok(backup_part_undo(part, &err));
        backup_part_keep(part);
        ck_assert(!exists(dir));
        if (mode == BACKUP_NONE)
            store(part, "x", 1, 10);
        ck_ok(backup_finish(backup, &rows, &err));
        ck_assert_uint_eq(rows, 0);
        ck_assert(!exists(dir));
        backup_close(backup);
    }
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    ck_ok(add(part, "x", 1, 10));
    ck_ok(backup_part_undo(part, &err));
    ck_ok(add(part, "y", 1, 10)); /* never kept */
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 0);
    ck_assert(!exists(folder));
    ck_assert(exists(dir));
    backup_close(backup);
    backup_close(NULL);
}
END_TEST

START_TEST(hostile_names_come_back)
{
    static const char *const names[] = {"plain",
                                        "with,comma",
                                        "quote\"quote",
                                        "\"\"",
                                        "'; drop table models; --",
                                        "=cmd|' /C calc'!A0",
                                        "+1",
                                        "@x",
                                        "-x",
                                        "\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80",
                                        " lead and trail ",
                                        "\\.",
                                        "\\x41",
                                        "NULL",
                                        "\\N",
                                        "a/b/c",
                                        "%s%n"};
    enum { COUNT = sizeof names / sizeof *names };
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 7, &err);
    for (size_t i = 0; i < COUNT; i++)
        store(part, names[i], (int32_t)i + 1, i * 37);
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, COUNT);
    ck_assert_str_eq(backup_path(backup), folder);
    ck_fails(add(part, "late", 1, 1), ERR_BUG, "finished");
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), COUNT);
    struct stat st;
    ck_assert_int_eq(stat(in_folder("part-7.csv"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(in_folder("MANIFEST"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(folder, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    Buf text = get_file(in_folder("part-7.csv"));
    static const char header[] =
        "name,version,model_type,event,model_binary,is_active,content_sha256,raw_bytes,stored_sha256,stored_bytes,"
        "format,encoding,chunk_count,members_sha256,source_host,source_path,source_mtime,run_id\n";
    ck_assert_int_eq(strncmp(text.data, header, sizeof header - 1), 0);
    ck_assert_ptr_nonnull(strstr(text.data, ",\"2026-01-01T00:00:00.123456+00:00\",\"" RUN "\"\n"));
    buf_free(&text);
    expect_rows(python_rows(NULL), names, COUNT);
}
END_TEST

START_TEST(odd_fields)
{
    static const char *const names[] = {"first", "second"};
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    Sample *sample = sample_new("first", 1, 5, SIZE_MAX);
    sample->row.source_path = "/srv/a\n\\.\n\xff";
    sample->row.source_host = NULL;
    sample->row.source_mtime_ns = -1; /* a microsecond before 1970 */
    sample->row.is_tar = true;
    sample->row.is_gzip = false;
    ck_ok(backup_part_add(part, &sample->row, &sample->payload, &err));
    /* A name that is no line of CSV is refused, and costs nobody else. */
    sample->row.name = "new\nline";
    ck_fails(backup_part_add(part, &sample->row, &sample->payload, &err), ERR_SKIP, "control");
    sample->row.name = "broken\xff";
    ck_fails(backup_part_add(part, &sample->row, &sample->payload, &err), ERR_SKIP, "UTF-8");
    ck_ok(add(part, "second", 2, 5));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    sample_free(sample);
    expect_rows(python_rows("assert rows[0]['source_path'] == '/srv/a\\\\x0a\\\\.\\\\x0a\\\\xff', rows[0]['source_path']\n"
                            "assert rows[0]['source_mtime'] == '1969-12-31T23:59:59.999999+00:00', rows[0]['source_mtime']\n"
                            "assert (rows[0]['format'], rows[0]['encoding'], rows[0]['source_host']) == ('tar', 'identity', '')\n"
                            "assert (rows[1]['format'], rows[1]['encoding'], rows[1]['source_host']) == ('file', 'gzip', "
                            "'host-a')\n"),
                names, 2);
}
END_TEST

START_TEST(large_payloads_in_memory_and_on_disk)
{
    static const size_t sizes[] = {0, 1, 262143, 262145, 524287, 524288, 1048573, 3333331};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    static const char *const names[] = {"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"};
    Backup *backup = open_backup(BACKUP_FULL);
    for (unsigned number = 0; number < 2; number++) {
        BackupPart *part = backup_part(backup, number, &err);
        for (size_t i = number * COUNT / 2; i < (number + 1) * COUNT / 2; i++) {
            Sample *sample = sample_new(names[i], (int32_t)i + 1, sizes[i], i % 2 == 0 ? SIZE_MAX : 1000);
            ck_ok(backup_part_add(part, &sample->row, &sample->payload, &err));
            sample_free(sample);
        }
        ck_ok(backup_part_sync(part, &err));
        backup_part_keep(part);
    }
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), COUNT);
    expect_rows(python_rows(NULL), names, COUNT);
}
END_TEST

START_TEST(chunked_payload_and_meta_mode)
{
    static const char *const names[] = {"small", "big,\"one\"", "after"};
    for (int mode = BACKUP_FULL; mode <= BACKUP_META; mode++) {
        Backup *backup = open_backup((BackupMode)mode);
        BackupPart *part = backup_part(backup, 0, &err);
        store(part, names[0], 1, 100);
        store_chunked(part, names[1], 2);
        store(part, names[2], 3, 100);
        ck_ok(backup_finish(backup, NULL, &err));
        backup_close(backup);
        ck_assert_uint_eq(verified_rows(), 3);
        ck_assert_int_eq(exists(in_folder("chunks-0.csv")), mode == BACKUP_FULL);
        expect_rows(python_rows(mode == BACKUP_FULL ? "assert len(chunks) == 2 and list(chunks[0]) == ['name', 'version', 'data', "
                                                      "'seq', 'sha256']"
                                                    : "assert 'model_binary' not in rows[0] and len(rows[0]) == 17"),
                    names, 3);
        BackupManifest manifest;
        ck_ok(backup_manifest_read(folder, &manifest, &err));
        ck_assert_int_eq((int)manifest.mode, mode);
        backup_manifest_free(&manifest);
        unit_remove_temp();
        ck_assert_int_eq(mkdir(unit_temp_dir(), 0700), 0);
    }
}
END_TEST

START_TEST(payload_that_is_not_as_the_row_says)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "good", 1, 100);
    Sample *sample = sample_new("bad", 2, 100, SIZE_MAX);
    sample->row.stored_bytes = 101;
    ck_fails(backup_part_add(part, &sample->row, &sample->payload, &err), ERR_BUG, "bad: the payload has 100 bytes");
    ck_fails(backup_part_sync(part, &err), ERR_BUG, "100 bytes"); /* a torn part takes nothing until undo */
    ck_ok(backup_part_undo(part, &err));
    sample->row.stored_bytes = 100;
    ck_ok(backup_part_add(part, &sample->row, &sample->payload, &err));
    ck_ok(backup_part_sync(part, &err));
    backup_part_keep(part);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    sample_free(sample);
    ck_assert_uint_eq(verified_rows(), 2);
}
END_TEST

/* Half a row cannot be kept, by whatever mistake: the folder is left for recovery. */
START_TEST(torn_part_cannot_be_kept)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    Sample *sample = sample_new("bad", 2, 100, SIZE_MAX);
    store(part, "good", 1, 100);
    sample->row.stored_bytes = 101;
    ck_fails(backup_part_add(part, &sample->row, &sample->payload, &err), ERR_BUG, "bad");
    backup_part_keep(part);
    ck_fails(backup_part_undo(part, &err), ERR_BUG, "bad");
    ck_fails(backup_finish(backup, NULL, &err), ERR_BUG, "bad");
    backup_close(backup);
    sample_free(sample);
    ck_assert(!exists(in_folder("MANIFEST")));

    forget();
    backup = open_backup(BACKUP_FULL);
    part = backup_part(backup, 0, &err);
    ck_ok(add(part, "unsynced", 1, 100));
    backup_part_keep(part);
    ck_fails(backup_finish(backup, NULL, &err), ERR_BUG, "not written");
    backup_close(backup);
}
END_TEST

START_TEST(undo_goes_back_to_the_last_keep)
{
    static const char *const names[] = {"kept", "later"};
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "kept", 1, 3000000);
    ck_ok(add(part, "lost", 2, 3000001));
    ck_ok(add(part, "lost too", 3, 7));
    ck_ok(backup_part_undo(part, &err));
    store(part, "later", 2, 11);
    ck_ok(add(part, "lost again", 3, 7));
    store_chunked(backup_part(backup, 1, &err), "other", 9);
    ck_ok(backup_part_sync(part, &err));
    ck_ok(backup_part_undo(part, &err)); /* COMMIT failed */
    ck_ok(add(part, "not kept", 3, 2000000));
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 3);
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), 3);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    expect_rows(python_rows(NULL), names, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup/backup");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, nothing_stored_leaves_nothing);
    tcase_add_test(tc, hostile_names_come_back);
    tcase_add_test(tc, odd_fields);
    tcase_add_test(tc, large_payloads_in_memory_and_on_disk);
    tcase_add_test(tc, chunked_payload_and_meta_mode);
    tcase_add_test(tc, payload_that_is_not_as_the_row_says);
    tcase_add_test(tc, torn_part_cannot_be_kept);
    tcase_add_test(tc, undo_goes_back_to_the_last_keep);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
