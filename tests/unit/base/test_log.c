#include "base/log.h"

#include <fcntl.h>

#include "../unit.h"

static int kept = -1;

/* From here on stderr is a file. */
static void begin(void)
{
    int fd = open(unit_path("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    kept = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
}

static const char *end(void)
{
    static char text[10000];
    ssize_t len = pread(STDERR_FILENO, text, sizeof text - 1, 0);
    dup2(kept, STDERR_FILENO);
    close(kept);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    ck_assert_int_eq(unlink(unit_path("log")), 0);
    return text;
}

START_TEST(what_is_shown_at_which_level)
{
    static const char *const expected[] = {"error: e\n", "error: e\nwarning: w\n", "error: e\nwarning: w\ni\n",
                                           "error: e\nwarning: w\ni\ndebug: d\n"};
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        begin();
        log_set_level((LogLevel)level);
        log_line(LOG_ERROR, "e");
        log_line(LOG_WARN, "w");
        log_line(LOG_INFO, "i");
        log_line(LOG_DEBUG, "d");
        const char *text = end();
        ck_assert_str_eq(text, expected[level]);
    }
    unit_remove_temp();
}
END_TEST

START_TEST(a_hostile_name_cannot_move_the_cursor)
{
    begin();
    log_line(LOG_ERROR, "%s", "a\033[2J\nerror: b\xff");
    log_progress("50 %"); /* no terminal: none */
    const char *text = end();
    ck_assert_str_eq(text, "error: a\\x1b[2J\\x0aerror: b\\xff\n");
    unit_remove_temp();
}
END_TEST

START_TEST(an_error_has_its_hint_on_a_second_line)
{
    Err err = {.cls = ERR_STOP, .text = "no disk", .hint = "buy one"};
    begin();
    log_err(LOG_ERROR, &err);
    log_err(LOG_DEBUG, &err); /* not shown, and so is its hint */
    err.hint[0] = '\0';
    log_err(LOG_ERROR, &err);
    const char *text = end();
    ck_assert_str_eq(text, "error: no disk\n  hint: buy one\nerror: no disk\n");
    unit_remove_temp();
}
END_TEST

START_TEST(a_line_of_any_length)
{
    static char line[9000];
    memset(line, '\001', sizeof line - 1);
    begin();
    log_line(LOG_ERROR, "%s", line);
    const char *text = end();
    size_t len = strlen(text);
    ck_assert_uint_lt(len, 4200);
    ck_assert_int_eq(text[len - 1], '\n');
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/log");
    TCase *tc = tcase_create("log");
    tcase_add_test(tc, what_is_shown_at_which_level);
    tcase_add_test(tc, a_hostile_name_cannot_move_the_cursor);
    tcase_add_test(tc, an_error_has_its_hint_on_a_second_line);
    tcase_add_test(tc, a_line_of_any_length);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
