#include "../journal_unit.h"

START_TEST(hostile_names_come_back)
{
    static const char *const names[] = {"plain",
                                        "tab\there",
                                        "line\nfeed",
                                        "cr\r",
                                        "100%",
                                        "%41",
                                        "quote\"'",
                                        "=1+1",
                                        " lead and trail ",
                                        "\xff\xfe broken \xc3",
                                        "\x1b[31m",
                                        "\xe2\x80\xae rtl",
                                        "",
                                        "\\."};
    enum { COUNT = sizeof names / sizeof *names };
    JournalRecord records[COUNT];
    char paths[COUNT][128];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(paths[i], sizeof paths[i], "/m/%s", names[i]);
        records[i] = record_of(paths[i], names[i], (int32_t)i);
    }
    records[3].version = INT32_MAX;
    records[4].stamp = (Stamp){.dev = UINT64_MAX, .size = UINT64_MAX, .mtime_ns = INT64_MIN, .ctime_ns = INT64_MIN};
    records[5].is_directory = true;
    records[5].stamp.ctime_ns = INT64_MAX;
    Journal *journal = open_new();
    ck_ok(journal_append(journal, records, 5, &err));
    ck_ok(journal_append(journal, records + 5, COUNT - 5, &err));
    ck_assert_uint_eq(journal_lines(journal), COUNT);
    journal_close(journal);

    journal = open_new();
    Reader reader = read_all(journal, records, COUNT);
    ck_assert(!reader.wrong);
    ck_assert_uint_eq(reader.seen, COUNT);
    ck_assert_uint_eq(journal_lines(journal), COUNT);
    journal_close(journal);
    struct stat st;
    ck_assert_int_eq(stat(journal_path(), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

/* Whatever is left of the file, a new record can be added and nothing wrong is read. */
START_TEST(cut_at_every_byte)
{
    JournalRecord records[4];
    Buf whole = three(records);
    records[3] = record_of("/models/later", "later", 9);
    size_t whole_lines[4] = {0}, at = 0;
    for (size_t i = 0; i < 4; i++)
        at = whole_lines[i] = (size_t)((char *)memchr(whole.data + at, '\n', whole.len - at) - whole.data) + 1;
    for (size_t cut = 0; cut <= whole.len; cut++) {
        put_file(journal_path(), whole.data, cut);
        size_t good = 0;
        while (good < 3 && cut >= whole_lines[good + 1])
            good++;
        Journal *journal = open_new();
        ck_assert_uint_eq(journal_lines(journal), good);
        ck_assert_uint_eq(read_all(journal, records, good).seen, good);
        ck_ok(journal_append(journal, &records[3], 1, &err));
        Reader reader = read_all(journal, records, 4);
        ck_assert(!reader.wrong && reader.seen == good + 1);
        journal_close(journal);
        Buf now = get_file(journal_path());
        ck_assert_int_eq(memcmp(now.data, whole.data, whole_lines[good]), 0);
        ck_assert_int_eq(now.data[now.len - 1], '\n');
        buf_free(&now);
    }
    ck_assert_int_ne(access(in_temp("journal.unknown"), F_OK), 0);
    buf_free(&whole);
}
END_TEST

START_TEST(every_flipped_bit_is_noticed)
{
    JournalRecord records[3];
    Buf whole = three(records);
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
        put_file(journal_path(), whole.data, whole.len);
        Journal *journal = open_new();
        Reader reader = read_all(journal, records, 3);
        ck_assert_msg(!reader.wrong, "bit %zu: a wrong record was believed", bit);
        ck_assert_msg(reader.seen < 3, "bit %zu was not noticed", bit);
        /* Damage in one line costs that line; a newline that goes takes two with it. */
        bool in_header = bit / 8 < sizeof HEADER - 1, at_newline = whole.data[bit / 8] == (char)('\n' ^ 1 << bit % 8);
        ck_assert_msg(in_header || reader.seen >= (at_newline ? 1U : 2U), "bit %zu: only %zu records", bit, reader.seen);
        journal_close(journal);
        whole.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_free(&whole);
}
END_TEST

START_TEST(garbage_between_good_lines)
{
    JournalRecord records[3];
    Buf whole = three(records), mixed = {0};
    size_t len = 1 << 20;
    char *noise = malloc(len);
    ck_assert_ptr_nonnull(noise);
    memset(noise, 'x', len);
    const char *second = strchr(whole.data + sizeof HEADER, '\n') + 1;
    size_t front = (size_t)(second - whole.data);
    ck_ok(buf_append(&mixed, whole.data, front, &err));
    ck_ok(buf_append(&mixed, noise, len, &err)); /* larger than any buffer */
    ck_ok(buf_append(&mixed, "\n\n\0\n00000000 \n00000000\n\t\t\t\n", 28, &err));
    ck_ok(buf_text(&mixed, HEADER, &err)); /* two journals, one behind the other */
    ck_ok(buf_append(&mixed, second, whole.len - front, &err));
    ck_ok(buf_append(&mixed, noise, len, &err)); /* and a torn end that is */
    put_file(journal_path(), mixed.data, mixed.len);
    Journal *journal = open_new();
    Reader reader = read_all(journal, records, 3);
    ck_assert(!reader.wrong);
    ck_assert_uint_eq(reader.seen, 3);
    ck_assert_uint_eq(journal_lines(journal), 3 + 7);
    journal_close(journal);
    Buf now = get_file(journal_path());
    ck_assert_uint_eq(now.len, mixed.len - len);
    buf_free(&now);

    /* A good line at the end of an overlong one, where the reader's buffer may begin anew, is still part of that one. */
    buf_clear(&mixed);
    ck_ok(buf_text(&mixed, HEADER, &err));
    ck_ok(buf_append(&mixed, noise, 256 * 1024, &err));
    ck_ok(buf_append(&mixed, whole.data + sizeof HEADER - 1, whole.len - sizeof HEADER + 1, &err));
    put_file(journal_path(), mixed.data, mixed.len);
    journal = open_new();
    reader = read_all(journal, records + 1, 2);
    ck_assert(!reader.wrong && reader.seen == 2);
    journal_close(journal);
    free(noise);
    buf_free(&mixed);
    buf_free(&whole);
}
END_TEST

START_TEST(unknown_files_are_set_aside)
{
    static const char *const unknown[] = {"migrate_models_to_db journal 2\nrecords of the future\n",
                                          "migrate_models_to_db journal 10\n", "\x89PNG\r\n", "no newline at all", "\n"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        put_file(journal_path(), unknown[i], strlen(unknown[i]));
        Journal *journal = open_new();
        ck_assert_uint_eq(read_all(journal, NULL, 0).seen, 0);
        JournalRecord record = record_of("/m/x", "x", 1);
        ck_ok(journal_append(journal, &record, 1, &err));
        ck_assert_uint_eq(read_all(journal, &record, 1).seen, 1);
        journal_close(journal);
        Buf kept = get_file(in_temp("journal.unknown"));
        ck_assert_str_eq(kept.data, unknown[i]);
        buf_free(&kept);
    }
}
END_TEST

START_TEST(planted_files_are_refused)
{
    Journal *journal = NULL;
    put_file(in_temp("victim"), "precious", 8);
    char victim[512];
    snprintf(victim, sizeof victim, "%s", in_temp("victim"));
    ck_assert_int_eq(symlink(victim, journal_path()), 0);
    ck_fails(journal_open(journal_path(), &journal, &err), ERR_STOP, "journal");
    ck_fails(journal_peek(journal_path(), "", compare, NULL, &err), ERR_STOP, "journal");
    unlink(journal_path());
    ck_assert_int_eq(mkfifo(journal_path(), 0600), 0);
    ck_fails(journal_open(journal_path(), &journal, &err), ERR_STOP, "not a regular file");
    ck_ok(journal_peek(journal_path(), "", compare, NULL, &err));
    unlink(journal_path());
    put_file(journal_path(), HEADER, sizeof HEADER - 1);
    ck_assert_int_eq(chmod(journal_path(), 0666), 0);
    ck_fails(journal_open(journal_path(), &journal, &err), ERR_STOP, "may write");
    ck_assert_ptr_null(journal);
    Buf kept = get_file(in_temp("victim"));
    ck_assert_str_eq(kept.data, "precious");
    buf_free(&kept);
}
END_TEST

START_TEST(peek_changes_nothing)
{
    JournalRecord records[3];
    Reader none = {0};
    ck_ok(journal_peek(journal_path(), "", compare, &none, &err));
    ck_assert_int_ne(access(journal_path(), F_OK), 0);
    Buf whole = three(records);
    put_file(journal_path(), whole.data, whole.len - 1); /* torn */
    Reader reader = {.expected = records, .count = 3};
    ck_ok(journal_peek(journal_path(), "", compare, &reader, &err));
    ck_assert(!reader.wrong && reader.seen == 2);
    Buf after = get_file(journal_path());
    ck_assert_uint_eq(after.len, whole.len - 1);
    buf_free(&after);
    put_file(journal_path(), "alien", 5);
    ck_ok(journal_peek(journal_path(), "", compare, &none, &err));
    ck_assert_uint_eq(none.seen, 0);
    ck_assert_int_ne(access(in_temp("journal.unknown"), F_OK), 0);
    buf_free(&whole);
}
END_TEST

static JournalRecord stamped(int64_t mtime, int64_t ctime, int64_t read, bool directory)
{
    JournalRecord record = record_of("/m/x", "x", 1);
    record.stamp.mtime_ns = mtime;
    record.stamp.ctime_ns = ctime;
    record.read_ns = read;
    record.is_directory = directory;
    return record;
}

START_TEST(racy_rule)
{
    const struct {
        JournalRecord record;
        bool racy;
    } cases[] = {
        {stamped(100 * SECOND + 1, 1, 100 * SECOND + 1 + 10000000, false), false},
        {stamped(100 * SECOND + 1, 1, 100 * SECOND + 1 + 9999999, false), true},
        {stamped(100 * SECOND, 1, 102 * SECOND, false), false},
        {stamped(100 * SECOND, 1, 102 * SECOND - 1, false), true},
        {stamped(1, 100 * SECOND, 100 * SECOND + 9999999, false), true}, /* mtime set back, ctime tells */
        {stamped(1, 100 * SECOND, 100 * SECOND + 10000000, false), false},
        {stamped(1, INT64_MAX, 100 * SECOND, true), false}, /* a hash, not a time */
        {stamped(100 * SECOND + 1, INT64_MIN, 100 * SECOND, true), true},
        {stamped(INT64_MAX, 1, INT64_MAX, false), true},
        {stamped(200 * SECOND, 1, 100 * SECOND, false), true}, /* the clock was set back */
    };
    JournalRecord good[sizeof cases / sizeof *cases];
    size_t count = 0;
    Journal *journal = open_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(journal_is_racy(&cases[i].record) == cases[i].racy, "case %zu", i);
        ck_ok(journal_append(journal, &cases[i].record, 1, &err));
        if (!cases[i].racy)
            good[count++] = cases[i].record;
    }
    Reader reader = read_all(journal, good, count);
    ck_assert(!reader.wrong);
    ck_assert_uint_eq(reader.seen, count);
    ck_assert_uint_eq(journal_lines(journal), sizeof cases / sizeof *cases);
    journal_close(journal);
}
END_TEST

/* Lets files of this process grow to `bytes`; SIGXFSZ must not kill it. */
static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk: what was written in part is cut off, and the journal goes on when there is room. */
START_TEST(failed_write_is_cut_off)
{
    JournalRecord records[3];
    Buf whole = three(records);
    Journal *journal = open_new();
    limit_file_size(whole.len + 40);
    err = (Err){0};
    bool ok = journal_append(journal, records, 1, &err);
    limit_file_size(RLIM_INFINITY);
    ck_assert(!ok);
    ck_assert_int_eq(err.cls, ERR_STOP);
    ck_assert_int_eq(err.errnum, EFBIG);
    Buf now = get_file(journal_path());
    ck_assert(now.len == whole.len && memcmp(now.data, whole.data, now.len) == 0);
    ck_assert_uint_eq(read_all(journal, records, 3).seen, 3);
    ck_ok(journal_append(journal, records, 1, &err));
    ck_assert_uint_eq(journal_lines(journal), 4);
    journal_close(journal);
    journal = open_new();
    ck_assert_uint_eq(journal_lines(journal), 4);
    journal_close(journal);
    buf_free(&now);
    buf_free(&whole);
}
END_TEST

START_TEST(rewrite_replaces_the_file)
{
    JournalRecord records[3];
    Buf whole = three(records);
    Journal *journal = open_new();
    ck_ok(journal_rewrite(journal, records + 1, 1, &err));
    ck_assert_uint_eq(journal_lines(journal), 2); /* and whose it is */
    ck_ok(journal_append(journal, records + 2, 1, &err));
    journal_close(journal);
    journal = open_new();
    Reader reader = read_all(journal, records + 1, 2);
    ck_assert(!reader.wrong);
    ck_assert_uint_eq(reader.seen, 2);

    /* A rewrite that fails leaves the journal as it was, and usable. */
    limit_file_size(60);
    bool ok = journal_rewrite(journal, records, 3, &err);
    limit_file_size(RLIM_INFINITY);
    ck_assert(!ok);
    ck_assert_uint_eq(read_all(journal, records + 1, 2).seen, 2);
    ck_ok(journal_append(journal, records, 1, &err));
    ck_assert_uint_eq(journal_lines(journal), 4);
    journal_close(journal);
    buf_free(&whole);
}
END_TEST

START_TEST(overlong_record_is_left_out)
{
    size_t len = 70000;
    char *path = malloc(len + 1);
    ck_assert_ptr_nonnull(path);
    memset(path, 'p', len);
    path[len] = '\0';
    JournalRecord records[2] = {record_of(path, "long", 1), record_of("/m/x", "x", 2)};
    Journal *journal = open_new();
    ck_ok(journal_append(journal, records, 2, &err));
    ck_ok(journal_append(journal, records, 1, &err));
    ck_assert_uint_eq(journal_lines(journal), 1);
    Reader reader = read_all(journal, records + 1, 1);
    ck_assert(!reader.wrong && reader.seen == 1);
    journal_close(journal);
    free(path);
}
END_TEST
static bool count_one(void *ctx, const JournalRecord *record, Err *e)
{
    (void)record;
    (void)e;
    ++*(size_t *)ctx;
    return true;
}
START_TEST(a_hundred_thousand_records)
{
    enum { COUNT = 100000 };
    JournalRecord *records = calloc(COUNT, sizeof *records);
    char(*paths)[96] = calloc(COUNT, sizeof *paths);
    ck_assert(records != NULL && paths != NULL);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(paths[i], sizeof paths[i], "/srv/models/team %zu/event_%zu_classifier_binary.joblib", i % 100, i);
        records[i] = record_of(paths[i], paths[i] + 12, (int32_t)i);
    }
    Journal *journal = open_new();
    ck_ok(journal_rewrite(journal, records, COUNT, &err));
    journal_close(journal);
    size_t seen = 0;
    journal = open_new();
    ck_ok(journal_read(journal, count_one, &seen, &err));
    ck_assert_uint_eq(seen, COUNT);
    ck_assert_uint_eq(journal_lines(journal), COUNT + 1);
    journal_close(journal);
    free(paths);
    free(records);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state/journal");
    TCase *tc = tcase_create("journal");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, hostile_names_come_back);
    tcase_add_test(tc, cut_at_every_byte);
    tcase_add_test(tc, every_flipped_bit_is_noticed);
    tcase_add_test(tc, garbage_between_good_lines);
    tcase_add_test(tc, unknown_files_are_set_aside);
    tcase_add_test(tc, planted_files_are_refused);
    tcase_add_test(tc, peek_changes_nothing);
    tcase_add_test(tc, racy_rule);
    tcase_add_test(tc, failed_write_is_cut_off);
    tcase_add_test(tc, rewrite_replaces_the_file);
    tcase_add_test(tc, overlong_record_is_left_out);
    tcase_add_test(tc, a_hundred_thousand_records);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
