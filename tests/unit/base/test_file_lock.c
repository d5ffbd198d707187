#include "base/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit.h"

static int open_file(const char *name)
{
    int fd = open(unit_path(name), O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(one_at_a_time)
{
    int first = open_file("f"), second = open_file("f");
    ck_assert(file_lock_try(first));
    ck_assert(file_lock_try(first));
    ck_assert(!file_lock_try(second));
    ck_assert_int_eq(errno, EWOULDBLOCK);
    close(first);
    ck_assert(file_lock_try(second));
    close(second);
    unit_remove_temp();
}
END_TEST

/* The kernel frees it, however its process ends. */
START_TEST(gone_with_its_process)
{
    int status, fd = open_file("f");
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int mine = open(unit_path("f"), O_RDWR);
        _exit(mine >= 0 && file_lock_try(mine) && kill(getpid(), SIGKILL) == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert(file_lock_try(fd));
    close(fd);
    unit_remove_temp();
}
END_TEST

START_TEST(name_of_the_file)
{
    int fd = open_file("f");
    ck_assert(file_lock_is_named(fd, unit_path("f")));
    ck_assert_int_eq(unlink(unit_path("f")), 0);
    ck_assert(!file_lock_is_named(fd, unit_path("f")));
    int other = open_file("f");
    ck_assert(!file_lock_is_named(fd, unit_path("f")));
    ck_assert(file_lock_is_named(other, unit_path("f")));
    close(fd);
    close(other);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/file_lock");
    TCase *tests = tcase_create("file_lock");
    tcase_add_test(tests, one_at_a_time);
    tcase_add_test(tests, gone_with_its_process);
    tcase_add_test(tests, name_of_the_file);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
