#include "../backup_unit.h"

START_TEST(recovery_keeps_what_is_stored)
{
    bool needs = true;
    ck_ok(backup_needs_recovery(dir, NULL, &needs, &err));
    ck_assert(!needs);
    recover(0);
    static const unsigned cases[] = {0x7e, 0x7c, 0x5a, 0x40, 0x02, 0x3e, 0x14, 0x3e, 0x7a};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_unfinished(2000000);
        ck_assert(needs_recovery());
        recover(cases[i]);
        ck_assert(!needs_recovery());
        ck_assert_uint_eq(verified_rows(), (uint64_t)__builtin_popcount(cases[i]));
        ck_assert_uint_eq(versions_left(), cases[i]);
        ck_assert_int_eq(exists(in_folder("part-1.csv")), (cases[i] >> 5 & 1) != 0);
        ck_assert_int_eq(exists(in_folder("chunks-2.csv")), (cases[i] >> 6 & 1) != 0);
        forget();
    }
    leave_unfinished(0);
    recover(0);
    ck_assert(!exists(folder));
    ck_assert(exists(dir));
}
END_TEST

/* What the store does not have is kept: it may be the only copy. */
START_TEST(recovery_keeps_what_is_nowhere)
{
    static const struct {
        unsigned stored, missing;
    } cases[] = {{0, 0x7e}, {0x02, 0x7c}, {0x14, 0x40}, {0x40, 0x02}, {0, 0x28}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_unfinished(2000000);
        recover_with((Judge){.stored = cases[i].stored, .missing = cases[i].missing});
        ck_assert(!needs_recovery());
        verified_rows();
        ck_assert_uint_eq(versions_left(), cases[i].stored | cases[i].missing);
        ck_assert_int_eq(exists(in_folder("chunks-2.csv")), ((cases[i].stored | cases[i].missing) >> 6 & 1) != 0);
        forget();
    }
}
END_TEST

/* One question for up to a thousand rows, and none is lost between two questions. */
START_TEST(many_rows_are_asked_for_in_few_questions)
{
    enum { ROWS = 2345 };
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    for (int32_t i = 0; i < ROWS; i++) {
        char name[30];
        snprintf(name, sizeof name, "model %d", (int)i);
        ck_assert(add(part, name, i % 7, 10));
    }
    ck_ok(backup_part_sync(part, &err));
    backup_close(backup);
    unsigned kept = 0x2d, rows = 0;
    for (int i = 0; i < ROWS; i++)
        rows += kept >> i % 7 & 1;
    Judge judge = {.stored = 0x21, .missing = 0x0c};
    ck_ok(backup_recover(dir, NULL, is_stored, &judge, &err));
    ck_assert_uint_eq(judge.asked, ROWS);
    ck_assert_uint_eq(judge.questions, 3);
    ck_assert_uint_eq(verified_rows(), rows);
    ck_assert_uint_eq(versions_left(), kept);
}
END_TEST

/* A model of two pieces, the last of which was not written to its end, or is damaged: such a row can be brought back by nobody. It
 * is kept only when the store says that it was committed. Pieces without a row go in any case. */
START_TEST(pieces_and_their_row)
{
    char path[500], part[500];
    leave_unfinished(30);
    snprintf(path, sizeof path, "%s", in_folder("chunks-2.csv"));
    snprintf(part, sizeof part, "%s", in_folder("part-2.csv"));
    Buf chunks = get_file(path), row = get_file(part);
    size_t first_len = chunks.len - 1;
    while (chunks.data[first_len - 1] != '\n')
        first_len--;
    enum { TORN, DAMAGED, GONE, CASES };
    for (int what = TORN; what < CASES; what++) {
        for (int stored = 0; stored < 2; stored++) {
            ck_assert(exists(folder) || mkdir(folder, 0700) == 0);
            unlink(in_folder("MANIFEST"));
            put_file(part, row.data, row.len);
            if (what == DAMAGED)
                chunks.data[first_len + 40] ^= 1;
            put_file(path, chunks.data, what == TORN ? chunks.len - 10 : what == GONE ? first_len : chunks.len);
            if (what == DAMAGED)
                chunks.data[first_len + 40] ^= 1;
            recover_with((Judge){.stored = stored ? 0x7e : 0x3e, .missing = 0x40});
            ck_assert_msg(exists(part) == (stored == 1), "case %d", what);
            ck_assert_msg(exists(path) == (stored == 1), "case %d", what);
            ck_assert_uint_eq(verified_rows(), 5 + (uint64_t)stored);
        }
    }
    unlink(in_folder("MANIFEST"));
    unlink(part);
    put_file(path, chunks.data, chunks.len);
    recover_with((Judge){.stored = 0x3e, .missing = 0x40});
    ck_assert(!exists(path));
    ck_assert_uint_eq(verified_rows(), 5);
    buf_free(&chunks);
    buf_free(&row);
}
END_TEST

/* Only what is torn goes, at whatever byte the kill came; also inside the header. */
START_TEST(torn_rows_are_cut_at_every_byte)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 10);
    struct stat st;
    ck_assert_int_eq(stat(in_folder("part-0.csv"), &st), 0);
    size_t first = (size_t)st.st_size;
    store(part, "two", 2, 20);
    backup_close(backup);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    for (size_t cut = 0; cut < whole.len; cut++) {
        ck_assert(exists(folder) || mkdir(folder, 0700) == 0);
        unlink(in_folder("MANIFEST"));
        put_file(path, whole.data, cut);
        recover(~0U);
        if (cut < first) {
            ck_assert_msg(!exists(folder), "cut at %zu", cut);
            continue;
        }
        ck_assert_uint_eq(verified_rows(), 1);
        Buf now = get_file(path);
        ck_assert_uint_eq(now.len, first);
        ck_assert_int_eq(memcmp(now.data, whole.data, first), 0);
        buf_free(&now);
    }
    buf_free(&whole);
}
END_TEST

/* Not torn but damaged: a changed byte in the first of two rows costs that row only, if it can be seen at all. */
START_TEST(damaged_rows_are_cut)
{
    enum { GONE = 1000 };
    leave_unfinished(30);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    ck_assert_int_eq(unlink(in_folder("part-2.csv")), 0);
    ck_assert_int_eq(unlink(in_folder("chunks-2.csv")), 0);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    const char *row = strstr(whole.data, "\"one\""), *payload = strstr(row, "\\x"), *run = strstr(row, RUN),
               *end = strchr(row, '\n');
    struct {
        const char *at;
        int byte; /* GONE: taken out */
        unsigned left;
    } cases[] = {{payload, 'x', 0x1c},       {payload + 2, 'g', 0x1c},   {payload + 40, payload[40] == '0' ? '1' : '0', 0x1c},
                 {payload + 41, '\n', 0x1c}, {payload + 41, '"', 0x1c},  {run, 'f', 0x1c},
                 {row, 'x', 0x1c},           {end - 1, 'x', 0x1c},       {end, 'x', 0x18},
                 {row + 6, 'x', 0x1c},       {payload + 41, '\0', 0x1c}, {row + 2, '\0', 0x1c},
                 {end - 1, GONE, 0x1c},      {end, GONE, 0x18},          {payload + 41, GONE, 0x1c},
                 {payload - 2, ';', 0x1c},   {end - 39, ';', 0x1c},      {end - 39, ',', 0x1e}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = (size_t)(cases[i].at - whole.data);
        char was = whole.data[at];
        if (cases[i].byte == GONE) {
            Buf less = {0};
            ck_ok(buf_append(&less, whole.data, at, &err));
            ck_ok(buf_append(&less, whole.data + at + 1, whole.len - at - 1, &err));
            put_file(path, less.data, less.len);
            buf_free(&less);
        } else {
            whole.data[at] = (char)cases[i].byte;
            put_file(path, whole.data, whole.len);
            whole.data[at] = was;
        }
        unlink(in_folder("MANIFEST"));
        recover(~0U);
        verified_rows();
        ck_assert_msg(versions_left() == cases[i].left, "case %zu", i);
    }
    buf_free(&whole);
}
END_TEST

START_TEST(foreign_folders_are_left_alone)
{
    char path[600];
    make_folder(); /* finished */
    Buf manifest = get_file(in_folder("MANIFEST"));
    static const char *const names[] = {"notes", "0198c0de-0000-7000-8000-00000000000", "0198C0DE-0000-7000-8000-000000000002",
                                        "0198c0de-0000-7000-8000-0000000000020", "0198c0de-0000-7000-8000-000000000003"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        /* The last has a name of ours, but holds something else. */
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        put_file(path, "mine", 4);
    }
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000004", dir);
    put_file(path, "a file", 6);
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000005", dir);
    ck_assert_int_eq(symlink(folder, path), 0);
    ck_assert(!needs_recovery());
    recover(0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        ck_assert_msg(exists(path), "%s", path);
        snprintf(path, sizeof path, "%s/%s/MANIFEST", dir, names[i]);
        ck_assert(!exists(path));
    }
    ck_assert_uint_eq(verified_rows(), 2);
    /* A backup of a later version: its header is not ours. */
    ck_assert_int_eq(unlink(in_folder("MANIFEST")), 0);
    put_file(in_folder("part-0.csv"), "name,version,something_new\n\"x\",1,2\n", 35);
    recover(0);
    Buf kept = get_file(in_folder("part-0.csv"));
    ck_assert_uint_eq(kept.len, 35);
    ck_assert(!exists(in_folder("MANIFEST")));
    buf_free(&kept);
    buf_free(&manifest);
}
END_TEST

/* Killed just after mkdir, or in the middle of an earlier recovery. */
START_TEST(leftovers_of_a_kill_are_removed)
{
    ck_ok(fs_make_private_dir(folder, &err));
    ck_assert(needs_recovery());
    recover(~0U);
    ck_assert(!exists(folder));
    leave_unfinished(100);
    put_file(in_folder("part-0.csv.tmp"), "half", 4);
    put_file(in_folder(".MANIFEST.0123456789abcdef.tmp"), "half", 4);
    put_file(in_folder("notes.txt"), "a user's", 8);
    recover(0x3e);
    ck_assert(!exists(in_folder("part-0.csv.tmp")));
    ck_assert(!exists(in_folder(".MANIFEST.0123456789abcdef.tmp")));
    ck_assert(exists(in_folder("notes.txt")));
    ck_assert_uint_eq(verified_rows(), 5);
}
END_TEST

START_TEST(recovery_passes_the_callers_error_up)
{
    leave_unfinished(100);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    ck_assert_int_eq(mkfifo(in_folder("part-1.csv"), 0600), 0);
    Judge judge = {.stored = 0x7e};
    ck_fails(backup_recover(dir, NULL, is_stored, &judge, &err), ERR_STOP, "part-1.csv: not a regular file");
    ck_assert(!exists(in_folder("MANIFEST")));
}
END_TEST

int main(void)
{
    use_memory_disk();
    Suite *suite = suite_create("backup/backup_recover");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, recovery_keeps_what_is_stored);
    tcase_add_test(tc, recovery_keeps_what_is_nowhere);
    tcase_add_test(tc, many_rows_are_asked_for_in_few_questions);
    tcase_add_test(tc, pieces_and_their_row);
    tcase_add_test(tc, torn_rows_are_cut_at_every_byte);
    tcase_add_test(tc, damaged_rows_are_cut);
    tcase_add_test(tc, foreign_folders_are_left_alone);
    tcase_add_test(tc, leftovers_of_a_kill_are_removed);
    tcase_add_test(tc, recovery_passes_the_callers_error_up);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
