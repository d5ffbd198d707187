#include "base/err.h"

#include <errno.h>

#include "base/text.h"
#include "../unit.h"

START_TEST(set_fills_everything)
{
    Err err;
    memset(&err, 0x7f, sizeof err);
    ck_assert(!err_set(&err, ERR_SKIP, "models/%s: %d", "x", 7));
    ck_assert_int_eq(err.cls, ERR_SKIP);
    ck_assert_str_eq(err.text, "models/x: 7");
    ck_assert_str_eq(err.hint, "");
    ck_assert_str_eq(err.code, "");
    ck_assert_int_eq(err.errnum, 0);
    /* The old text may be an argument. */
    ck_assert(!err_set(&err, ERR_STOP, "again: %s", err.text));
    ck_assert_str_eq(err.text, "again: models/x: 7");
}
END_TEST

START_TEST(null_is_allowed)
{
    ck_assert(!err_set(NULL, ERR_STOP, "x"));
    ck_assert(!err_set_errno(NULL, ERR_STOP, EIO, "x"));
    ck_assert(!err_hint(NULL, "x"));
    ck_assert(!err_prefix(NULL, "x"));
    ck_assert(!err_no_memory(NULL));
}
END_TEST

/* Hostile names cannot move the cursor or break the line. */
START_TEST(text_is_printable)
{
    Err err = {0};
    err_set(&err, ERR_SKIP, "a\nb\x1b[2J\xff\xc2\x85 caf\xc3\xa9");
    ck_assert_str_eq(err.text, "a\\x0ab\\x1b[2J\\xff\\xc2\\x85 caf\xc3\xa9");
    err_hint(&err, "do\r%s", "\x07");
    ck_assert_str_eq(err.hint, "do\\x0d\\x07");
    err_prefix(&err, "p\t%d", 1);
    ck_assert_str_eq(err.text, "p\\x091: a\\x0ab\\x1b[2J\\xff\\xc2\\x85 caf\xc3\xa9");
}
END_TEST

START_TEST(errno_has_its_reason)
{
    Err err = {0};
    ck_assert(!err_set_errno(&err, ERR_SKIP, ENOENT, "models/a"));
    ck_assert_str_eq(err.text, "models/a: No such file or directory");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_assert_int_eq(err.cls, ERR_SKIP);
}
END_TEST

/* What hits everybody is never one model's fault; other classes stay. */
START_TEST(full_disk_stops_the_run)
{
    static const int everybodys[] = {ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE};
    Err err = {0};
    for (size_t i = 0; i < sizeof everybodys / sizeof *everybodys; i++) {
        err_set_errno(&err, ERR_SKIP, everybodys[i], "x");
        ck_assert_int_eq(err.cls, ERR_STOP);
        err_set_errno(&err, ERR_RETRY, everybodys[i], "x");
        ck_assert_int_eq(err.cls, ERR_RETRY);
    }
    err_set_errno(&err, ERR_SKIP, EACCES, "x");
    ck_assert_int_eq(err.cls, ERR_SKIP);
}
END_TEST

/* Long texts are cut between characters, and the reason survives a long path. */
START_TEST(long_texts)
{
    char path[4000];
    for (size_t i = 0; i + 2 < sizeof path; i += 2)
        memcpy(path + i, "\xc3\xa9", 2);
    path[sizeof path - 2] = '\0';
    for (int shift = 0; shift < 3; shift++) {
        Err err = {0};
        err_set_errno(&err, ERR_SKIP, EACCES, "%.*s%s", shift, "abc", path);
        ck_assert(text_ends_with(err.text, "\xc3\xa9: Permission denied") || text_ends_with(err.text, "\\xc3: Permission denied"));
        ck_assert(text_utf8_valid(err.text, strlen(err.text)));
        ck_assert_uint_gt(strlen(err.text), 950);
        err_prefix(&err, "%.*s", 10 + shift, "models/abcdefgh");
        ck_assert(text_starts_with(err.text, "models/abc"));
        ck_assert(text_utf8_valid(err.text, strlen(err.text)));
        err_prefix(&err, "%s", path);
        ck_assert(text_utf8_valid(err.text, strlen(err.text)));
        err_hint(&err, "%s", path);
        ck_assert(text_utf8_valid(err.hint, strlen(err.hint)));
    }
}
END_TEST

START_TEST(prefix_keeps_the_rest)
{
    Err err = {0};
    err_set_errno(&err, ERR_RETRY, ETIMEDOUT, "connect");
    err_hint(&err, "wait");
    memcpy(err.code, "08006", 6);
    ck_assert(!err_prefix(&err, "store"));
    ck_assert_str_eq(err.text, "store: connect: Connection timed out");
    ck_assert_str_eq(err.hint, "wait");
    ck_assert_str_eq(err.code, "08006");
    ck_assert_int_eq(err.errnum, ETIMEDOUT);
    ck_assert_int_eq(err.cls, ERR_RETRY);
}
END_TEST

START_TEST(exit_codes_and_names)
{
    static const struct {
        ErrClass cls;
        int code;
        const char *name;
    } table[] = {{ERR_NONE, 0, "none"},          {ERR_SKIP, 3, "skip"},     {ERR_CONFLICT, 3, "conflict"},
                 {ERR_RETRY, 5, "retry"},        {ERR_UNREACHABLE, 5, "unreachable"}, {ERR_STOP, 1, "stop"},
                 {ERR_USAGE, 2, "usage"},        {ERR_SCHEMA, 10, "schema"}, {ERR_LOCKED, 11, "locked"},
                 {ERR_INTERRUPTED, 1, "interrupted"}, {ERR_BUG, 1, "bug"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ck_assert_int_eq(err_exit_code(table[i].cls), table[i].code);
        ck_assert_str_eq(err_class_name(table[i].cls), table[i].name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/err");
    TCase *tests = tcase_create("err");
    tcase_add_test(tests, set_fills_everything);
    tcase_add_test(tests, null_is_allowed);
    tcase_add_test(tests, text_is_printable);
    tcase_add_test(tests, errno_has_its_reason);
    tcase_add_test(tests, full_disk_stops_the_run);
    tcase_add_test(tests, long_texts);
    tcase_add_test(tests, prefix_keeps_the_rest);
    tcase_add_test(tests, exit_codes_and_names);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
