/* The line that shows how a run goes, on a terminal that is a pair of pseudo-terminals. */
#define _XOPEN_SOURCE 700
#include "../unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <termios.h>

#include "../../../src/flow/run/worker.h"

static Run shown;
static int terminal;    /* what the run shows can be read here */
static char text[4096]; /* what it showed */

static void make_run(unsigned workers)
{
    static ModelList none;
    Err err = {0};
    shown = (Run){.models = &none, .workers_left = workers};
    pthread_mutex_init(&shown.lock, NULL);
    pthread_cond_init(&shown.worker_ended, NULL);
    ck_ok(plan_new(&none, NULL, CHANGE_NEW_VERSION, &shown.plan, &err));
}

static void make_terminal(void)
{
    struct termios raw;
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    int other = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert(other >= 0 && tcgetattr(other, &raw) == 0);
    raw.c_oflag &= ~(tcflag_t)OPOST;
    ck_assert(tcsetattr(other, TCSANOW, &raw) == 0 && dup2(other, STDERR_FILENO) == STDERR_FILENO);
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

static void *end_last_worker(void *unused)
{
    pthread_mutex_lock(&shown.lock);
    shown.workers_left = 0;
    pthread_cond_signal(&shown.worker_ended);
    pthread_mutex_unlock(&shown.lock);
    return unused;
}

/* A worker that ends when its reader has seen the line. */
static void *end_when_seen(void *unused)
{
    read_until("left, some failed");
    return end_last_worker(unused);
}

START_TEST(shows_models_and_bytes_and_clears_the_line)
{
    pthread_t worker;
    make_run(1);
    make_terminal();
    atomic_store(&shown.read_count, 3);
    atomic_store(&shown.read_bytes, 2048);
    atomic_store(&shown.failed_count, 1);
    ck_assert_int_eq(pthread_create(&worker, NULL, end_when_seen, NULL), 0);
    progress_wait(&shown, true);
    pthread_join(worker, NULL);
    ck_assert_msg(strncmp(text, "\r\033[K3 of 0 models, 2.00 KiB of 0 B, ", 35) == 0, "%s", text);
    text[0] = '\0';
    read_until("\r\033[K");
    plan_free(shown.plan);
}
END_TEST

START_TEST(waits_in_silence_for_the_last_worker)
{
    pthread_t worker;
    make_run(1);
    make_terminal();
    ck_assert_int_eq(pthread_create(&worker, NULL, end_last_worker, NULL), 0);
    progress_wait(&shown, false);
    pthread_join(worker, NULL);
    ck_assert_uint_eq(shown.workers_left, 0);
    ck_assert_int_eq(fcntl(terminal, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(read(terminal, text, sizeof text), -1);
    plan_free(shown.plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/progress");
    TCase *tcase = tcase_create("progress");
    tcase_add_test(tcase, shows_models_and_bytes_and_clears_the_line);
    tcase_add_test(tcase, waits_in_silence_for_the_last_worker);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
