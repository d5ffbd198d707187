#include "base/lease.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../unit.h"

START_TEST(a_writer_shows)
{
    char path[512];
    struct statfs fs;
    snprintf(path, sizeof path, "%s/x", unit_temp_dir());
    int writer = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), reader = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert(writer >= 0 && reader >= 0 && fstatfs(reader, &fs) == 0);
    bool told = fs.f_type == 0xef53 || fs.f_type == 0x01021994 || fs.f_type == 0x58465342; /* ext, tmpfs, xfs */
    ck_assert(lease_is_refused(reader) || !told);
    close(writer);
    ck_assert(!lease_is_refused(reader));
    writer = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC); /* the lease was given back: nobody waits for it */
    ck_assert(writer >= 0);
    close(writer);
    close(reader);
    ck_assert(!lease_is_refused(-1));
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/lease");
    TCase *tc = tcase_create("lease");
    tcase_add_test(tc, a_writer_shows);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
