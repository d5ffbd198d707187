#include "../../../src/backup/line.h"

#include <string.h>

#include "../unit.h"

static Err err;

/* The line in pieces of `step` bytes, as text: fields in [], NULL as -, then where the payload stands; "bad" when it is no line. */
static void take(BackupLine *line, const char *text, size_t step, char *out, size_t cap)
{
    const char *fields[BACKUP_FIELDS_MAX];
    size_t len = strlen(text), used = 0;
    bool whole;
    backup_line_begin(line);
    for (size_t at = 0; at < len; at += step)
        ck_ok(backup_line_feed(line, text + at, len - at < step ? len - at : step, 100 + at, &err));
    ck_ok(backup_line_end(line, fields, &whole, &err));
    snprintf(out, cap, "bad");
    for (size_t i = 0; whole && i < line->fields; i++)
        used += (size_t)snprintf(out + used, cap - used, fields[i] != NULL ? "[%s]" : "-", fields[i]);
    if (whole)
        snprintf(out + used, cap - used, " %d+%d %.2s", (int)line->payload_offset, (int)line->payload_chars, line->payload_head);
}

static const struct {
    const char *text, *expected;
} lines[] = {
    {"\"a\",1,\"\\xabcd\",\"z\"", "[a][1][z] 107+6 \\x"},
    {"a,1,\\xabcd,z", "[a][1][z] 104+6 \\x"},
    {"\"a,\"\"b\"\"\",,\"\\x\",\"\"", "[a,\"b\"]-[] 112+2 \\x"},
    {"\"\"\"\",1,\"xy12\",", "[\"][1]- 108+4 xy"},
    {"\"a\",1,\"\\xab\"", "bad"},                 /* a column is missing */
    {"\"a\",1,\"\\xab\",\"z\",\"more\"", "bad"},
    {"\"a\",1,\"\\xab\",\"z", "bad"},             /* torn inside quotes */
    {"\"a\"b,1,\"\\xab\",\"z\"", "bad"},
    {"a\"b,1,\"\\xab\",\"z\"", "bad"},
    {"a\rb,1,\"\\xab\",\"z\"", "bad"},            /* as for COPY */
    {"\"a\",1,\"\\xab\",\"z\"\r", "bad"},
    {"\"a\",1,\"\\xab\"\"cd\",\"z\"", "bad"},     /* the digits of a payload stand side by side */
    {"", "bad"},
    {",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,", "bad"},
};

START_TEST(lines_in_pieces_of_any_length)
{
    BackupLine line = {.columns = 4, .payload_column = 2};
    char text[200];
    for (size_t step = 1; step < 30; step++) {
        take(&line, lines[_i].text, step, text, sizeof text);
        ck_assert_str_eq(text, lines[_i].expected);
    }
    backup_line_free(&line);
}
END_TEST

/* A line without an end fills no memory, in whatever field it is. */
START_TEST(endless_lines)
{
    static const char *const begins[] = {"", "\"", "\"a\",1,\"", "\"a\",1,\"\\x00\","};
    static char much[100000];
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++) {
        BackupLine line = {.columns = 4, .payload_column = 2};
        backup_line_begin(&line);
        ck_ok(backup_line_feed(&line, begins[i], strlen(begins[i]), 0, &err));
        memset(much, '0', sizeof much);
        for (size_t k = 0; k < 100; k++)
            ck_ok(backup_line_feed(&line, much, sizeof much, k, &err));
        ck_assert_int_eq(line.bad, i != 2);
        ck_assert_uint_lt(line.text.cap, 1000000);
        ck_assert_uint_eq(line.payload_chars, i == 2 ? 100 * sizeof much : i == 3 ? 4 : 0);
        /* The next line is a line again. */
        char text[200];
        take(&line, lines[0].text, 5, text, sizeof text);
        ck_assert_str_eq(text, lines[0].expected);
        backup_line_free(&line);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup/backup_line");
    TCase *tc = tcase_create("line");
    tcase_add_loop_test(tc, lines_in_pieces_of_any_length, 0, (int)(sizeof lines / sizeof *lines));
    tcase_add_test(tc, endless_lines);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
