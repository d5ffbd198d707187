#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../unit.h"
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/userfile.h"

static void shell(const char *script)
{
    char command[2000];
    snprintf(command, sizeof command, "cd '%s' && { %s\n}", unit_temp_dir(), script);
    ck_assert_msg(system(command) == 0, "%s", script);
}

static bool write_text(const char *name, const char *text, Err *err)
{
    return userfile_write(unit_path(name), text, strlen(text), 0640, err);
}

START_TEST(regular_file_is_replaced_as_a_whole)
{
    Err err = {0};
    umask(022);
    ck_ok(write_text("new", "one", &err));
    shell("test \"$(cat new)\" = one && test \"$(stat -c %a new)\" = 640");
    shell("ln new other && echo mine >new.tmp && chmod 600 new");
    ck_ok(write_text("new", "two", &err));
    shell("test \"$(cat new)\" = two && test \"$(cat other)\" = one && test \"$(cat new.tmp)\" = mine");
    shell("test \"$(ls -A | wc -l)\" = 3");
    unit_remove_temp();
}
END_TEST

START_TEST(links_are_followed)
{
    Err err = {0};
    shell("mkdir sub && ln -s sub/file link && ln -s \"$PWD/link\" far && ln -s loop loop");
    ck_ok(write_text("far", "one", &err));
    ck_ok(write_text("link", "two", &err));
    shell("test -L far && test -L link && test ! -L sub/file && test \"$(cat sub/file)\" = two && test \"$(ls -A sub | wc -l)\" = 1");
    ck_fails(write_text("loop", "x", &err), ERR_STOP, "loop");
    shell("test -L loop && ln -s nowhere/file dead");
    ck_fails(write_text("dead", "x", &err), ERR_STOP, "cannot create");
    ck_fails(write_text("sub", "x", &err), ERR_STOP, "directory");
    unit_remove_temp();
}
END_TEST

/* A child reads the FIFO, at first it is not there yet. */
START_TEST(fifo_is_written_through)
{
    Err err = {0};
    shell("mkfifo pipe && ln -s pipe link\n{ sleep 0.3; cat pipe >got; } &");
    ck_ok(write_text("link", "through", &err));
    shell("for i in 1 2 3 4 5 6 7 8 9; do test -s got && break; sleep 0.1; done; test \"$(cat got)\" = through && test -p pipe");
    unit_remove_temp();
}
END_TEST

START_TEST(device_and_descriptors_are_written_through)
{
    Err err = {0};
    char path[64];
    ck_ok(userfile_write("/dev/null", "x", 1, 0600, &err));
    ck_assert(userfile_is_stream("/dev/null"));
    shell("test -c /dev/null && echo before >file");
    int fd = open(unit_path("file"), O_WRONLY | O_APPEND);
    ck_assert_int_ge(fd, 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    ck_ok(userfile_write(path, "behind", 6, 0600, &err));
    shell("test \"$(cat file)\" = \"$(printf 'before\\nbehind')\"");
    ck_assert_int_eq(fcntl(fd, F_SETFD, FD_CLOEXEC), 0); /* now it is one of ours */
    ck_fails(userfile_write(path, "x", 1, 0600, &err), ERR_STOP, "Bad file descriptor");
    close(fd);
    unit_remove_temp();
}
END_TEST

/* The shell's `>file`: what is printed and what is written go to one file. */
START_TEST(standard_output_is_known_by_any_name)
{
    Err err = {0};
    int saved = dup(STDOUT_FILENO);
    int fd = open(unit_path("out"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    printf("first ");
    bool ok = userfile_write("-", "a", 1, 0600, &err) && userfile_write("/dev/stdout", "b", 1, 0600, &err) &&
              userfile_write(unit_path("out"), "c", 1, 0600, &err);
    bool known = userfile_is_stdout("-") && userfile_is_stdout("/dev/stdout") && userfile_is_stdout(unit_path("out"));
    bool others = userfile_is_stdout(unit_path("none")) || userfile_is_stdout("/dev/stderr");
    dup2(saved, STDOUT_FILENO);
    ck_assert_msg(ok, "%s", err.text);
    ck_assert(known && !others);
    shell("test \"$(cat out)\" = 'first abc'");
    close(fd);
    close(saved);
    unit_remove_temp();
}
END_TEST

START_TEST(pipes_are_read)
{
    Err err = {0};
    char data[16] = "";
    shell("mkfifo pipe\n{ sleep 0.2; printf abc >pipe; } &");
    int fd = userfile_open(unit_path("pipe"), &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert_int_eq(userfile_read(fd, data, sizeof data), 3);
    ck_assert_int_eq(userfile_read(fd, data, sizeof data), 0);
    close(fd);
    ck_assert_int_lt(userfile_open(unit_path("none"), &err), 0);
    ck_assert_int_eq(err.cls, ERR_USAGE);
    unit_remove_temp();
}
END_TEST

static void *interrupt_soon(void *arg)
{
    (void)arg;
    clock_sleep(0.1);
    interrupt_set(SIGTERM);
    return NULL;
}

/* Nobody ever comes to the other end. */
START_TEST(signal_ends_a_wait)
{
    pthread_t thread;
    Err err = {0};
    char byte;
    shell("mkfifo pipe");
    int fd = userfile_open(unit_path("pipe"), &err);
    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
    ck_assert_int_eq(userfile_read(fd, &byte, 1), -1);
    close(fd);
    ck_fails(write_text("pipe", "x", &err), ERR_INTERRUPTED, "signal");
    pthread_join(thread, NULL);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/userfile");
    TCase *tests = tcase_create("userfile");
    tcase_add_test(tests, regular_file_is_replaced_as_a_whole);
    tcase_add_test(tests, links_are_followed);
    tcase_add_test(tests, fifo_is_written_through);
    tcase_add_test(tests, device_and_descriptors_are_written_through);
    tcase_add_test(tests, standard_output_is_known_by_any_name);
    tcase_add_test(tests, pipes_are_read);
    tcase_add_test(tests, signal_ends_a_wait);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
