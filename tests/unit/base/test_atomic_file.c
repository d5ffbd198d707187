/* The test stands in for the C library's fsync and getrandom. */
#define _GNU_SOURCE
#include "base/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "../unit.h"

static Err err;
static atomic_int syncs, fail_sync; /* calls so far; which one fails, 0 = none */

int fsync(int fd)
{
    if (++syncs == fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static atomic_bool known; /* the random number */

ssize_t getrandom(void *data, size_t len, unsigned flags)
{
    if (!known)
        return syscall(SYS_getrandom, data, len, flags);
    memset(data, 0x11, len);
    return (ssize_t)len;
}

static void put(const char *name, const char *text)
{
    ck_ok(atomic_file_put(unit_path(name), 0600, text, strlen(text), &err));
}

static void holds(const char *name, const char *text)
{
    Buf buf = {0};
    ck_ok(fs_read_file(unit_path(name), 1 << 20, &buf, &err));
    ck_assert_str_eq(buf.data, text);
    buf_free(&buf);
}

static unsigned mode_of(const char *name)
{
    struct stat st;
    ck_assert_int_eq(lstat(unit_path(name), &st), 0);
    return st.st_mode & 07777;
}

static int entries(void)
{
    int count = 0;
    DIR *stream = opendir(unit_temp_dir());
    ck_assert_ptr_nonnull(stream);
    while (readdir(stream) != NULL)
        count++;
    closedir(stream);
    return count - 2;
}

START_TEST(replaced_as_a_whole)
{
    put("f", "old");
    ck_assert_int_eq(chmod(unit_path("f"), 0644), 0);
    put("f", "the new text");
    holds("f", "the new text");
    ck_assert_int_eq(entries(), 1);
    ck_assert_int_eq(chdir(unit_temp_dir()), 0);
    ck_ok(atomic_file_put("relative", 0600, "r", 1, &err));
    holds("relative", "r");
    ck_ok(atomic_file_put("relative", 0600, "", 0, &err));
    holds("relative", "");
    ck_assert_int_eq(chdir("/"), 0);
    unit_remove_temp();
}
END_TEST

START_TEST(modes)
{
    static const struct {
        mode_t mask, mode, result;
    } cases[] = {{0, 0600, 0600}, {0277, 0600, 0600}, {022, 0666, 0644}, {027, 0644, 0640}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        umask(cases[i].mask);
        ck_ok(atomic_file_put(unit_path("f"), cases[i].mode, "x", 1, &err));
        ck_assert_uint_eq(mode_of("f"), cases[i].result);
    }
    umask(022);
    unit_remove_temp();
}
END_TEST

/* A link at the name is replaced, its target stays. */
START_TEST(no_link_is_followed)
{
    put("target", "precious");
    ck_assert_int_eq(symlink("target", unit_path("f")), 0);
    put("f", "new");
    holds("target", "precious");
    holds("f", "new");
    struct stat st;
    ck_assert_int_eq(lstat(unit_path("f"), &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    unit_remove_temp();
}
END_TEST

START_TEST(planted_names)
{
    AtomicFile one, two;
    ck_ok(atomic_file_open(&one, unit_path("f"), 0600, &err));
    ck_ok(atomic_file_open(&two, unit_path("f"), 0600, &err));
    ck_assert_str_ne(one.temp, two.temp);
    atomic_file_close(&one);
    atomic_file_close(&two);
    unit_remove_temp();
}
END_TEST

/* Nobody can know the temporary name; if somebody did, what was planted there is not followed. */
START_TEST(planted_link)
{
    known = true;
    put("target", "precious");
    ck_assert_int_eq(symlink("target", unit_path(".f.1111111111111111.tmp")), 0);
    ck_fails(atomic_file_put(unit_path("f"), 0600, "new", 3, &err), ERR_STOP, "cannot create");
    known = false;
    holds("target", "precious");
    ck_assert_int_eq(entries(), 2);
    unit_remove_temp();
}
END_TEST

START_TEST(names_as_long_as_they_may_be)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    put(name, "x");
    holds(name, "x");
    ck_assert_int_eq(entries(), 1);
    unit_remove_temp();
}
END_TEST

START_TEST(failure_keeps_the_old)
{
    ck_fails(atomic_file_put(unit_path("no/such"), 0600, "x", 1, &err), ERR_STOP, "cannot create");
    ck_assert_int_eq(mkdir(unit_path("dir"), 0700), 0);
    ck_fails(atomic_file_put(unit_path("dir"), 0600, "x", 1, &err), ERR_STOP, "cannot replace");
    ck_assert_int_eq(entries(), 1);
    unit_remove_temp();
}
END_TEST

/* The content first, then its name. */
START_TEST(durable)
{
    syncs = 0;
    put("f", "old");
    ck_assert_int_eq(syncs, 2);
    syncs = 0;
    fail_sync = 1;
    ck_fails(atomic_file_put(unit_path("f"), 0600, "new", 3, &err), ERR_STOP, "cannot write");
    holds("f", "old");
    ck_assert_int_eq(entries(), 1);
    syncs = 0;
    fail_sync = 2;
    ck_fails(atomic_file_put(unit_path("f"), 0600, "new", 3, &err), ERR_STOP, "fsync of");
    fail_sync = 0;
    unit_remove_temp();
}
END_TEST

START_TEST(in_pieces)
{
    AtomicFile file;
    put("f", "old");
    ck_ok(atomic_file_open(&file, unit_path("f"), 0600, &err));
    ck_ok(atomic_file_write(&file, "one ", 4, &err));
    ck_ok(atomic_file_write(&file, "two", 3, &err));
    holds("f", "old");
    ck_ok(atomic_file_commit(&file, &err));
    holds("f", "one two");
    int fd = file.fd;
    file.fd = -1;
    atomic_file_close(&file);
    ck_assert(fs_write(fd, "!", 1));
    close(fd);
    holds("f", "one two!");
    ck_ok(atomic_file_open(&file, unit_path("f"), 0600, &err));
    ck_ok(atomic_file_write(&file, "never", 5, &err));
    ck_assert_int_eq(entries(), 2);
    atomic_file_close(&file);
    atomic_file_close(&file);
    ck_assert_int_eq(entries(), 1);
    holds("f", "one two!");
    unit_remove_temp();
}
END_TEST

START_TEST(what_a_kill_left_is_swept)
{
    AtomicFile file;
    static const char *const others[] = {".f.0123456789abcde.tmp", ".f.0123456789ABCDEF.tmp", "f.0123456789abcdef.tmp", ".0123456789abcdef.tmp",
                                         ".f.0123456789abcdef.tmp.csv", ".f0123456789abcdef.tmp"};
    put("f", "whole");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        put(others[i], "a user's");
    int before = entries();
    ck_ok(atomic_file_open(&file, unit_path("f"), 0600, &err));
    ck_assert_int_eq(entries(), before + 1);
    atomic_file_sweep(unit_temp_dir());
    ck_assert_int_eq(entries(), before);
    atomic_file_close(&file);
    atomic_file_sweep(unit_path("no such folder"));
    holds("f", "whole");
    unit_remove_temp();
}
END_TEST

typedef struct Writer {
    char path[400];
    atomic_bool stop;
} Writer;

static void *write_often(void *arg)
{
    Writer *writer = arg;
    static char text[2][9000];
    memset(text[0], 'a', sizeof text[0]);
    memset(text[1], 'b', sizeof text[1]);
    for (int i = 0; !writer->stop; i ^= 1)
        if (!atomic_file_put(writer->path, 0600, text[i], i == 0 ? 9000 : 4000, NULL))
            return arg;
    return NULL;
}

/* A reader sees the old file or the new one, never none and never a mixture. */
START_TEST(readers_see_the_old_or_the_new)
{
    Buf buf = {0};
    Writer writer = {.stop = false};
    pthread_t thread;
    put("f", "aaaa");
    snprintf(writer.path, sizeof writer.path, "%s", unit_path("f"));
    ck_assert_int_eq(pthread_create(&thread, NULL, write_often, &writer), 0);
    for (int i = 0; i < 3000; i++) {
        buf_clear(&buf);
        ck_ok(fs_read_file(writer.path, 10000, &buf, &err));
        ck_assert(buf.len == 4 || buf.len == 9000 || buf.len == 4000);
        char expected = buf.len == 4000 ? 'b' : 'a';
        size_t same = 0;
        while (same < buf.len && buf.data[same] == expected)
            same++;
        ck_assert_uint_eq(same, buf.len);
    }
    writer.stop = true;
    void *failed;
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    buf_free(&buf);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/atomic_file");
    TCase *tests = tcase_create("atomic_file");
    tcase_add_test(tests, replaced_as_a_whole);
    tcase_add_test(tests, modes);
    tcase_add_test(tests, no_link_is_followed);
    tcase_add_test(tests, planted_names);
    tcase_add_test(tests, planted_link);
    tcase_add_test(tests, names_as_long_as_they_may_be);
    tcase_add_test(tests, failure_keeps_the_old);
    tcase_add_test(tests, durable);
    tcase_add_test(tests, in_pieces);
    tcase_add_test(tests, what_a_kill_left_is_swept);
    tcase_add_test(tests, readers_see_the_old_or_the_new);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
