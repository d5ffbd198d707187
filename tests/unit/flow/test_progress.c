/* What a command tells while it works, on a terminal that is a pair of pseudo-terminals. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#include "../unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "flow/progress.h"

static int terminal, other;    /* what is shown on the second can be read from the first */
static char text[1 << 16]; /* what was shown */

static void make_terminal(unsigned short columns, const char *term)
{
    struct termios raw;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert(other >= 0 && tcgetattr(other, &raw) == 0);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    ck_assert(tcsetattr(other, TCSANOW, &raw) == 0 && ioctl(other, TIOCSWINSZ, &size) == 0);
    ck_assert_int_eq(dup2(other, STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(setenv("TERM", term, 1), 0);
    text[0] = '\0';
}

static void read_until(const char *part)
{
    size_t len = strlen(text);
    while (strstr(text, part) == NULL) {
        ssize_t got = read(terminal, text + len, sizeof text - 1 - len);
        ck_assert(got > 0);
        len += (size_t)got;
        text[len] = '\0';
    }
}

START_TEST(shows_models_and_bytes_and_clears_the_line)
{
    make_terminal(200, "xterm");
    progress_phase("storing", 10, 1 << 20);
    progress_start(true, 0);
    progress_add(3, 2048);
    progress_failed();
    read_until("left, some failed");
    ck_assert_msg(strstr(text, "\r\033[Kstoring: 3 of 10 models, 2.00 KiB of 1.00 MiB, ") != NULL, "%s", text);
    text[0] = '\0';
    progress_stop();
    read_until("\r\033[K");
    ck_assert_str_eq(strrchr(text, '\r'), "\r\033[K");
}
END_TEST

START_TEST(all_is_read_and_it_says_what_it_does)
{
    make_terminal(200, "xterm");
    progress_phase("storing", 2, 100);
    progress_begin("committing");
    progress_add(2, 100);
    progress_start(true, 0);
    read_until(", committing");
    ck_assert_ptr_null(strstr(text, "left"));
    progress_stop();
}
END_TEST

START_TEST(cut_to_the_width_that_the_terminal_has_now)
{
    struct winsize narrow = {.ws_row = 24, .ws_col = 14};
    make_terminal(24, "xterm");
    progress_phase("storing \u00e4 and so on", 10, 1 << 20);
    progress_start(true, 0);
    read_until("\r\033[Kstoring \u00e4 and so on: 0 ");
    ck_assert_int_eq(ioctl(other, TIOCSWINSZ, &narrow), 0);
    text[0] = '\0';
    read_until("\r\033[Kstoring \u00e4 and\r\033[K"); /* 13 of its 14 columns, again and again */
    progress_stop();
}
END_TEST

START_TEST(dumb_terminal_gets_lines_without_codes)
{
    make_terminal(80, "dumb");
    progress_phase("storing", 2, 0);
    progress_start(true, 0.3);
    read_until("storing: 0 of 2 models\nstoring: 0 of 2 models\n");
    progress_stop();
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_ptr_null(strchr(text, '\r'));
}
END_TEST

START_TEST(stands_still_and_says_at_what)
{
    make_terminal(200, "xterm");
    progress_phase("storing", 2, 100);
    progress_begin("reading %s", "slow.joblib");
    progress_start(true, 0);
    read_until("; for 3 s: reading slow.joblib");
    progress_stop();
}
END_TEST

START_TEST(is_silent_where_nothing_was_asked_for)
{
    make_terminal(80, "dumb");
    progress_phase("storing", 2, 100);
    progress_start(true, 0);
    progress_stop();
    progress_print();
    read_until("storing: 0 of 2 models, 0 B of 100 B");
    ck_assert_msg(strncmp(text, "storing", 7) == 0, "%s", text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/progress");
    TCase *tcase = tcase_create("progress");
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, shows_models_and_bytes_and_clears_the_line);
    tcase_add_test(tcase, all_is_read_and_it_says_what_it_does);
    tcase_add_test(tcase, cut_to_the_width_that_the_terminal_has_now);
    tcase_add_test(tcase, dumb_terminal_gets_lines_without_codes);
    tcase_add_test(tcase, stands_still_and_says_at_what);
    tcase_add_test(tcase, is_silent_where_nothing_was_asked_for);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
