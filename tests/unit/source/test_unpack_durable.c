/* What `get` has reported is on the disk: the test stands in for the C library's fsync. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>

#include "../unpack_unit.h"

static int syncs, fail_sync; /* calls so far; which one fails, 0 = none */

int fsync(int fd)
{
    if (++syncs == fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* `expected` calls: the content, then the folder that has its name. Each failure is told, and only the last one leaves the
 * destination there. */
static void check_syncs(const char *source, ModelKind kind, int expected)
{
    Err err = {0};
    Row row = pack_row(source, kind, 1);
    syncs = fail_sync = 0;
    ck_ok(to_path(&row, "out", (UnpackOptions){0}, &err));
    ck_assert_int_eq(syncs, expected);
    shell("rm -r out");
    for (fail_sync = 1; fail_sync <= expected; fail_sync++) {
        syncs = 0;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_STOP, "Input/output error");
        shell(fail_sync < expected ? "test ! -e out" : "rm -r out");
        check_no_leftover();
    }
    fail_sync = 0;
    free_row(&row);
}

START_TEST(everything_is_synced)
{
    shell("echo content >f && mkdir -p m/sub && echo a >m/a && echo b >m/sub/b");
    check_syncs("f", MODEL_FILE, 2);
    check_syncs("m", MODEL_DIRECTORY, 5); /* two files, two folders, the folder above */
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/unpack, durable");
    TCase *tests = tcase_create("durable");
    tcase_add_test(tests, everything_is_synced);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
