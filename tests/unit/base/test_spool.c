#define _GNU_SOURCE
#include "base/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../unit.h"

static unsigned char byte_at(uint64_t offset)
{
    return (unsigned char)(offset * 167 ^ offset >> 8 ^ offset >> 17);
}

static void write_pattern(Spool *spool, uint64_t from, size_t len)
{
    Err err = {0};
    unsigned char *data = malloc(len + 1);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < len; i++)
        data[i] = byte_at(from + i);
    ck_ok(spool_write(spool, data, len, &err));
    free(data);
}

/* Reads all in views of at most `want` bytes and compares. */
static void check_pattern(Spool *spool, uint64_t bytes, size_t want)
{
    Err err = {0};
    char *scratch = malloc(want);
    const void *data;
    uint64_t offset = 0;
    ptrdiff_t got;
    ck_assert_ptr_nonnull(scratch);
    ck_assert_uint_eq(spool->bytes, bytes);
    while ((got = spool_view(spool, offset, want, scratch, &data, &err)) > 0) {
        ck_assert_uint_le((size_t)got, want);
        ptrdiff_t same = 0;
        while (same < got && ((const unsigned char *)data)[same] == byte_at(offset + (uint64_t)same))
            same++;
        ck_assert_int_eq(same, got);
        offset += (uint64_t)got;
    }
    ck_assert_msg(got == 0, "%s", err.text);
    ck_assert_uint_eq(offset, bytes);
    free(scratch);
}

static int files_in(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

START_TEST(stays_in_memory)
{
    Spool spool;
    spool_init(&spool, 1000, "/does/not/exist");
    check_pattern(&spool, 0, 10);
    write_pattern(&spool, 0, 600);
    write_pattern(&spool, 600, 0);
    write_pattern(&spool, 600, 400);
    ck_assert(!spool.spilled);
    check_pattern(&spool, 1000, 77);
    check_pattern(&spool, 1000, 5000);
    spool_free(&spool);
    spool_free(&spool);
}
END_TEST

/* Beyond the limit: the same bytes at any time, in any view, also behind writes that follow a read; no name in the directory. */
START_TEST(spills)
{
    Spool spool;
    spool_init(&spool, 1000, unit_temp_dir());
    uint64_t done = 0;
    static const size_t pieces[] = {600, 400, 1, 5, 3000, 700000, 500000, 1048576, 1048577, 3000000, 10};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            write_pattern(&spool, done, pieces[i]);
            done += pieces[i];
            ck_assert_int_eq(spool.spilled, done > 1000);
            check_pattern(&spool, done, 65536);
        }
        check_pattern(&spool, done, 999);
        ck_assert_int_eq(files_in(unit_temp_dir()), 0);
        spool_reset(&spool);
        done = 0;
        check_pattern(&spool, 0, 10);
    }
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

/* The memory does not grow with a large piece. */
START_TEST(memory_is_bounded)
{
    Spool spool;
    spool_init(&spool, 1000, unit_temp_dir());
    write_pattern(&spool, 0, 20000000);
    write_pattern(&spool, 20000000, 1000000);
    write_pattern(&spool, 21000000, 20000000);
    ck_assert_uint_lt(spool.memory.cap, 2000000);
    check_pattern(&spool, 41000000, 1000000);
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

START_TEST(views_from_anywhere)
{
    Err err = {0};
    Spool spool;
    char scratch[100];
    const void *data;
    spool_init(&spool, 0, unit_temp_dir());
    write_pattern(&spool, 0, 2000000);
    write_pattern(&spool, 2000000, 50);
    for (uint64_t offset = 1999990; offset < 2000050; offset++) {
        ptrdiff_t got = spool_view(&spool, offset, sizeof scratch, scratch, &data, &err);
        ck_assert_int_gt(got, 0);
        ck_assert(*(const unsigned char *)data == byte_at(offset));
    }
    ck_assert_int_eq(spool_view(&spool, 2000050, 100, scratch, &data, &err), 0);
    ck_assert_int_eq(spool_view(&spool, UINT64_MAX, 100, scratch, &data, &err), 0);
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

START_TEST(errors_name_the_directory)
{
    Err err = {0};
    Spool spool;
    spool_init(&spool, 2, "/does/not/exist");
    ck_fails(spool_write(&spool, "abc", 3, &err), ERR_STOP, "cannot make a temporary file in /does/not/exist: No such file");
    spool_free(&spool);
    /* A file size limit stands for the full disk. */
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = 100000};
    static char data[1200000], scratch[10];
    const void *view;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    spool_init(&spool, 2, unit_temp_dir());
    ck_ok(spool_write(&spool, data, 90000, &err));
    ck_fails(spool_write(&spool, data, 1000000, &err) && spool_write(&spool, data, 1000000, &err), ERR_STOP,
             "cannot write a temporary file in ");
    ck_assert_int_ne(err.hint[0], 0);
    ck_fails(spool_write(&spool, data, sizeof data, &err), ERR_STOP, "cannot write a temporary file in ");
    /* After a reset the same spool serves again. */
    spool_reset(&spool);
    ck_ok(spool_write(&spool, "xyz", 3, &err) && spool_write(&spool, data, 80000, &err));
    ck_assert_int_eq(spool_view(&spool, 0, 3, scratch, &view, &err), 3);
    ck_assert(memcmp(view, "xyz", 3) == 0);
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

/* A file system that does not know O_TMPFILE: the same bytes, and no name stays. */
START_TEST(without_tmpfile)
{
    Spool spool;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    ck_assert_int_eq(open(unit_temp_dir(), O_TMPFILE | O_RDWR, 0600), -1);
    spool_init(&spool, 10, unit_temp_dir());
    write_pattern(&spool, 0, 2000000);
    ck_assert(spool.spilled);
    ck_assert_int_eq(files_in(unit_temp_dir()), 0);
    check_pattern(&spool, 2000000, 100000);
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

START_TEST(lost_file_is_an_error)
{
    Err err = {0};
    Spool spool;
    char scratch[100];
    const void *view;
    spool_init(&spool, 2, unit_temp_dir());
    write_pattern(&spool, 0, 1500000);
    ck_assert_int_eq(ftruncate(spool.fd, 10), 0);
    ck_assert_int_eq(spool_view(&spool, 0, 100, scratch, &view, &err), 10);
    ck_assert_int_eq(spool_view(&spool, 10, 100, scratch, &view, &err), -1);
    ck_assert_int_eq(err.cls, ERR_STOP);
    spool_free(&spool);
    unit_remove_temp();
}
END_TEST

START_TEST(taken_bytes_outlive_their_spool)
{
    static const size_t sizes[] = {0, 1, 1500, 300000};
    for (size_t i = 0; i < 4; i++) {
        Spool from, to;
        spool_init(&from, 2000, unit_temp_dir());
        write_pattern(&from, 0, sizes[i]);
        spool_take(&from, &to);
        ck_assert_uint_eq(from.bytes, 0);
        ck_assert_int_eq(from.fd, -1);
        ck_assert(to.spilled == (sizes[i] > 2000) && to.memory.cap <= 1024 * 1024);
        ck_assert(sizes[i] == 0 || to.spilled || to.memory.cap == sizes[i]);
        write_pattern(&from, 0, 5000); /* used again, beside the other */
        check_pattern(&to, sizes[i], 4096);
        check_pattern(&from, 5000, 4096);
        spool_free(&from);
        spool_free(&to);
    }
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/spool");
    TCase *tests = tcase_create("spool");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, stays_in_memory);
    tcase_add_test(tests, spills);
    tcase_add_test(tests, memory_is_bounded);
    tcase_add_test(tests, views_from_anywhere);
    tcase_add_test(tests, errors_name_the_directory);
    tcase_add_test(tests, without_tmpfile);
    tcase_add_test(tests, lost_file_is_an_error);
    tcase_add_test(tests, taken_bytes_outlive_their_spool);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
