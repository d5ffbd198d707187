#include "port/csvfile.h"

#include <fcntl.h>

#include "base/fs.h"
#include "../unit.h"

/* Rows as text: fields in [], NULL as -, a row a line; "!" before a row number that is not the next one. */
typedef struct Seen {
    Buf text;
    uint64_t rows, stop_at;
} Seen;

static bool see(void *ctx, uint64_t row, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Seen *seen = ctx;
    if (row != ++seen->rows && !buf_text(&seen->text, "!", err))
        return false;
    if (row == seen->stop_at)
        return err_set(err, ERR_CONFLICT, "enough");
    for (size_t i = 0; i < count; i++) {
        if (fields[i] == NULL ? !buf_text(&seen->text, "-", err) || lengths[i] != 0
                              : fields[i][lengths[i]] != '\0' || !buf_text(&seen->text, "[", err) ||
                                    !buf_append(&seen->text, fields[i], lengths[i], err) || !buf_text(&seen->text, "]", err))
            return false;
    }
    return buf_text(&seen->text, "\n", err);
}

static int file_of(const void *data, size_t len)
{
    char path[] = "/tmp/unit-csv-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert(fs_write(fd, data, len));
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static bool read_csv(const void *data, size_t len, size_t max, Seen *seen, bool *newline, Err *err)
{
    buf_clear(&seen->text);
    seen->rows = 0;
    int fd = file_of(data, len);
    bool ok = csvfile_read(fd, "t.csv", max, see, seen, newline, err);
    close(fd);
    return ok;
}

static void reads_as(const char *csv, const char *expected, bool newline)
{
    Err err = {0};
    Seen seen = {0};
    bool got = !newline;
    ck_ok(read_csv(csv, strlen(csv), 1000, &seen, &got, &err));
    ck_ok(buf_append(&seen.text, "", 1, &err));
    ck_assert_str_eq(seen.text.data, expected);
    ck_assert_int_eq(got, newline);
    ck_ok(read_csv(csv, strlen(csv), 1000, &seen, NULL, &err));
    buf_free(&seen.text);
}

START_TEST(rows_and_fields)
{
    reads_as("", "", false);
    reads_as("a,b\n", "[a][b]\n", true);
    reads_as("a,b\r\nc,d\r\n", "[a][b]\n[c][d]\n", true);
    reads_as("a,b\nc,d", "[a][b]\n[c][d]\n", false);
    reads_as("a,,\n,\"\",b\n", "[a]--\n-[][b]\n", true);
    reads_as("a,", "[a]-\n", false);
    reads_as("\"x\"", "[x]\n", false);
    reads_as("\n\na\n\nb\n", "[a]\n[b]\n", true);
    reads_as("\"say \"\"hi\"\"\",\"two\nlines\",\"a,b\"\n", "[say \"hi\"][two\nlines][a,b]\n", true);
    reads_as("  a , b\t\n\"  \"\n", "[  a ][ b\t]\n[  ]\n", true); /* blanks are data, as for COPY */
    reads_as("\xef\xbb\xbfpath,name\n", "[path][name]\n", true);
    reads_as("\"\\x00\",\\.\n", "[\\x00][\\.]\n", true);
}
END_TEST

START_TEST(refuses_what_is_not_csv)
{
    Err err = {0};
    Seen seen = {0};
    bool newline = true;
    static const char *const bad[] = {"h\n\"abc\n", "h\na\"b\n", "h\n\"a\"b\n", "h\n\"a\" ,b\n", "h\n\"a\" \n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_fails(read_csv(bad[i], strlen(bad[i]), 1000, &seen, &newline, &err), ERR_STOP, "t.csv: row 2: not CSV");
    ck_assert(newline);
    buf_free(&seen.text);
}
END_TEST

/* A torn last line: closed by accident or not, the reader tells. */
START_TEST(torn_end)
{
    static const char csv[] = "\"n\",\"p\"\n\"a\",\"\\x0011\"\n";
    Err err = {0};
    Seen seen = {0};
    for (size_t len = 1; len < sizeof csv; len++) {
        bool newline = false, whole = len == 8 || len == sizeof csv - 1;
        bool ok = read_csv(csv, len, 1000, &seen, &newline, &err);
        ck_assert_int_eq(ok && newline, whole);
        ck_assert(ok || err.cls == ERR_STOP);
    }
    buf_free(&seen.text);
}
END_TEST

/* The limit holds for finished and unfinished fields, quoted or not, beyond one read. */
START_TEST(long_fields)
{
    Err err = {0};
    Buf csv = {0};
    Seen seen = {0};
    size_t len = 3000000;
    char *payload = malloc(len);
    ck_assert_ptr_nonnull(payload);
    for (size_t i = 0; i < len; i++)
        payload[i] = "0123456789abcdef\""[i * 7919 % 17];
    ck_ok(buf_text(&csv, "h\n\"\",", &err) && csvfile_field(&csv, payload, len, &err) && buf_text(&csv, ",\"z\"\n", &err));
    ck_ok(read_csv(csv.data, csv.len, len, &seen, NULL, &err));
    ck_assert_uint_eq(seen.text.len, 4 + 2 + (len + 2) + 3 + 1);
    ck_assert(memcmp(seen.text.data + 7, payload, len) == 0);
    ck_fails(read_csv(csv.data, csv.len, len - 1, &seen, NULL, &err), ERR_STOP, "row 2: a field is too long");
    ck_fails(read_csv(csv.data, csv.len - 6, 1000000, &seen, NULL, &err), ERR_STOP, "row 2: a field is too long");
    ck_fails(read_csv("0123456789abcdef", 16, 15, &seen, NULL, &err), ERR_STOP, "row 1: a field is too long");
    ck_ok(read_csv("0123456789abcdef", 16, 16, &seen, NULL, &err));
    buf_free(&csv);
    buf_free(&seen.text);
    free(payload);
}
END_TEST

/* Never more memory than the limit asks for, however long the field goes on. */
START_TEST(endless_field_is_stopped_early)
{
    Err err = {0};
    Seen seen = {0};
    int zero = open("/dev/zero", O_RDONLY);
    ck_assert_int_ge(zero, 0);
    ck_fails(csvfile_read(zero, "zero", 5000000, see, &seen, NULL, &err), ERR_STOP, "zero: row 1: a field is too long");
    close(zero);
}
END_TEST

START_TEST(callback_stops)
{
    Err err = {0};
    Seen seen = {.stop_at = 2};
    ck_fails(read_csv("a\nb\nc\nd\n", 8, 1000, &seen, NULL, &err), ERR_CONFLICT, "enough");
    ck_assert_uint_eq(seen.rows, 2);
    ck_fails(read_csv("a\nb", 3, 1000, &seen, NULL, &err), ERR_CONFLICT, "enough");
    /* A later syntax error does not hide the first one. */
    ck_fails(read_csv("a\nb\n\"c\"d\n", 9, 1000, &seen, NULL, &err), ERR_CONFLICT, "enough");
    buf_free(&seen.text);
}
END_TEST

START_TEST(read_error_has_the_label)
{
    Err err = {0};
    Seen seen = {0};
    ck_fails(csvfile_read(-1, "backup.csv", 10, see, &seen, NULL, &err), ERR_STOP, "backup.csv: ");
    ck_assert_int_ne(err.errnum, 0);
}
END_TEST

/* What csvfile_field writes, csvfile_read gives back: every byte, NUL too. */
START_TEST(written_and_read)
{
    Err err = {0};
    Buf line = {0};
    Seen seen = {0};
    char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    ck_ok(csvfile_field(&line, "", 0, &err) && buf_text(&line, ",", &err));
    ck_assert(memcmp(line.data, "\"\",", 3) == 0);
    ck_ok(csvfile_field(&line, all, sizeof all, &err) && buf_text(&line, ",", &err));
    ck_ok(csvfile_field(&line, "\"\"", 2, &err) && buf_text(&line, "\n", &err));
    ck_assert_uint_eq(line.len, 3 + (256 + 1 + 2) + 1 + 6 + 1);
    ck_ok(read_csv(line.data, line.len, 256, &seen, NULL, &err));
    ck_assert_uint_eq(seen.text.len, 2 + 258 + 4 + 1);
    ck_assert(memcmp(seen.text.data + 3, all, sizeof all) == 0);
    ck_assert(memcmp(seen.text.data + 260, "[\"\"]\n", 5) == 0);
    buf_free(&line);
    buf_free(&seen.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/csvfile");
    TCase *tests = tcase_create("csvfile");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, rows_and_fields);
    tcase_add_test(tests, refuses_what_is_not_csv);
    tcase_add_test(tests, torn_end);
    tcase_add_test(tests, long_fields);
    tcase_add_test(tests, endless_field_is_stopped_early);
    tcase_add_test(tests, callback_stops);
    tcase_add_test(tests, read_error_has_the_label);
    tcase_add_test(tests, written_and_read);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
