/* What is made durable: the test stands in for the C library's fsync. */
#define _GNU_SOURCE
#include "base/fs.h"

#include <errno.h>
#include <sys/syscall.h>

#include "../unit.h"

static int syncs, fail_sync; /* calls so far; which one fails, 0 = none */

int fsync(int fd)
{
    if (++syncs == fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* Each new folder has its name in the one above, durably; one that was there has. */
START_TEST(names_of_folders)
{
    Err err = {0};
    unit_temp_dir();
    syncs = 0;
    ck_ok(fs_make_private_dir(unit_path("a/b/c"), &err));
    ck_assert_int_eq(syncs, 3);
    ck_ok(fs_make_private_dir(unit_path("a/b/c"), &err));
    ck_assert_int_eq(syncs, 3);
    for (fail_sync = 1; fail_sync <= 3; fail_sync++) {
        syncs = 0;
        ck_fails(fs_make_private_dir(unit_path(fail_sync == 1   ? "d/e/f"
                                               : fail_sync == 2 ? "g/h/i"
                                                                : "j/k/l"),
                                     &err),
                 ERR_STOP, "fsync of");
    }
    fail_sync = 0;
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/fs, durable");
    TCase *tests = tcase_create("durable");
    tcase_add_test(tests, names_of_folders);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
