#include "../../../src/state/journal_format.h"

#include "../unit.h"
#include "port/gzip.h"

static Digest digest_of(char seed)
{
    Digest digest;
    memset(digest.byte, seed, sizeof digest.byte);
    return digest;
}

static const JournalRecord base = {.path = "/models/a\tb",
                                   .stamp = {.dev = 1, .ino = UINT64_MAX, .size = 3, .mtime_ns = INT64_MIN, .ctime_ns = INT64_MAX},
                                   .read_ns = -1,
                                   .name = "a b",
                                   .version = -1};

/* Writes the record and reads it back. */
static JournalRecord around(const JournalRecord *record, Buf *line)
{
    Err err = {0};
    JournalRecord out;
    bool written;
    buf_clear(line);
    ck_ok(journal_format_line(line, record, &written, &err));
    ck_assert(written);
    ck_assert_int_eq(line->data[line->len - 1], '\n');
    line->data[--line->len] = '\0';
    ck_assert_msg(journal_parse_line(line->data, line->len, &out), "%s", line->data);
    return out;
}

START_TEST(all_fields_come_back)
{
    Buf line = {0};
    static const JournalEvent events[] = {JOURNAL_KNOWN, JOURNAL_REMOVING, JOURNAL_REMOVED};
    for (size_t i = 0; i < 3; i++) {
        JournalRecord record = base;
        record.event = events[i];
        record.content = digest_of('x');
        JournalRecord back = around(&record, &line);
        ck_assert_int_eq(back.event, events[i]);
        ck_assert_str_eq(back.path, base.path);
        ck_assert_str_eq(back.name, base.name);
        ck_assert(stamp_is(&back.stamp, &base.stamp, 0));
        ck_assert(back.read_ns == -1 && back.version == -1 && !back.is_directory && !back.has_members);
        ck_assert(digest_equal(&back.content, &record.content));
    }
    buf_free(&line);
}
END_TEST

START_TEST(a_directory_may_have_members)
{
    Buf line = {0};
    Digest members = digest_of('m');
    Model model = {.kind = MODEL_DIRECTORY, .content = digest_of('c'), .name = "n", .version = 3, .has_content = true};
    for (int i = 0; i < 2; i++) {
        model.members = i == 0 ? NULL : &members;
        JournalRecord record = journal_record_of(&model, "/m/d", &base.stamp, 5), back = around(&record, &line);
        ck_assert(back.is_directory && back.has_members == (i == 1) && back.version == 3 && back.read_ns == 5);
        ck_assert(digest_equal(&back.content, &model.content));
        ck_assert(i == 0 || digest_equal(&back.members, &members));
    }
    buf_free(&line);
}
END_TEST

/* The CRC is that of the changed line, so that only the field itself is at fault. */
START_TEST(a_content_of_another_length_is_a_bad_line)
{
    static const size_t lengths[] = {0, 2, 62, 63, 65, 66, 126, 127, 129, 130, 256};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char hex[300], fields[600], line[700];
        JournalRecord out;
        memset(hex, 'a', lengths[i]);
        hex[lengths[i]] = '\0';
        int len = snprintf(fields, sizeof fields, "d\t1\t2\t3\t4\t5\t6\t%s\t7\tn\t/p", hex);
        int all = snprintf(line, sizeof line, "%08x %s", (unsigned)gzip_crc32(fields, (size_t)len), fields);
        ck_assert_msg(!journal_parse_line(line, (size_t)all, &out), "%zu digits", lengths[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state/journal_format");
    TCase *tc = tcase_create("journal_format");
    tcase_add_test(tc, all_fields_come_back);
    tcase_add_test(tc, a_directory_may_have_members);
    tcase_add_test(tc, a_content_of_another_length_is_a_bad_line);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
