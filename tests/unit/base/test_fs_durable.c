/* What is made durable, and what somebody plants at the last moment: the test stands in for the C library's fsync and unlink. */
#define _GNU_SOURCE
#include "base/fs.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../unit.h"

static int syncs, fail_sync; /* calls so far; which one fails, 0 = none */
static const char *plant;    /* a link to `victim` that is made just after its name was removed */

int fsync(int fd)
{
    if (++syncs == fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int unlink(const char *path)
{
    int done = (int)syscall(SYS_unlink, path);
    if (plant != NULL && strcmp(path, plant) == 0) {
        plant = NULL;
        ck_assert_int_eq(symlink("victim", path), 0);
    }
    return done;
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

/* The content first, then its name. */
START_TEST(replaced_file)
{
    Err err = {0};
    syncs = 0;
    ck_ok(fs_replace_file(unit_path("f"), "old", 3, &err));
    ck_assert_int_eq(syncs, 2);
    syncs = 0;
    fail_sync = 1;
    ck_fails(fs_replace_file(unit_path("f"), "new", 3, &err), ERR_STOP, "cannot write");
    Buf kept = {0};
    ck_ok(fs_read_file(unit_path("f"), 100, &kept, &err));
    ck_assert_str_eq(kept.data, "old");
    buf_free(&kept);
    ck_assert_int_ne(access(unit_path("f.tmp"), F_OK), 0);
    syncs = 0;
    fail_sync = 2;
    ck_fails(fs_replace_file(unit_path("f"), "new", 3, &err), ERR_STOP, "fsync of");
    fail_sync = 0;
    unit_remove_temp();
}
END_TEST

/* What was planted before is removed; a link that takes the name just then is refused, never followed. */
START_TEST(planted_at_the_last_moment)
{
    Err err = {0};
    ck_ok(fs_replace_file(unit_path("victim"), "precious", 8, &err));
    plant = unit_path("f.tmp");
    ck_fails(fs_replace_file(unit_path("f"), "new", 3, &err), ERR_STOP, "cannot create");
    ck_assert_ptr_null(plant);
    Buf kept = {0};
    ck_ok(fs_read_file(unit_path("victim"), 100, &kept, &err));
    ck_assert_str_eq(kept.data, "precious");
    buf_free(&kept);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/fs, durable");
    TCase *tests = tcase_create("durable");
    tcase_add_test(tests, names_of_folders);
    tcase_add_test(tests, replaced_file);
    tcase_add_test(tests, planted_at_the_last_moment);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
