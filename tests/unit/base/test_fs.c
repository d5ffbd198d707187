#define _GNU_SOURCE
#include "base/atomic_file.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../unit.h"

static void put(const char *name, const char *text)
{
    Err err = {0};
    ck_ok(atomic_file_put(unit_path(name), 0600, text, strlen(text), &err));
}

static void holds(const char *name, const char *text)
{
    Err err = {0};
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

/* root/sub/file, a FIFO, and symlinks in and out. */
static int make_tree(void)
{
    ck_assert_int_eq(mkdir(unit_path("root"), 0755), 0);
    ck_assert_int_eq(mkdir(unit_path("root/sub"), 0755), 0);
    put("root/sub/file", "inside");
    put("outside", "outside");
    ck_assert_int_eq(mkfifo(unit_path("root/fifo"), 0600), 0);
    ck_assert_int_eq(symlink("sub", unit_path("root/dirlink")), 0);
    ck_assert_int_eq(symlink("sub/file", unit_path("root/link")), 0);
    ck_assert_int_eq(symlink("../outside", unit_path("root/escape")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", unit_path("root/absolute")), 0);
    int root = open(unit_path("root"), O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(root, 0);
    return root;
}

static void opens(int root, const char *path, int flags, bool follow)
{
    int fd = fs_open_beneath(root, path, flags, follow);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void refused(int root, const char *path, int flags, bool follow, int errnum)
{
    errno = 0;
    int fd = fs_open_beneath(root, path, flags, follow);
    ck_assert_msg(fd < 0, "%s was opened", path);
    ck_assert_msg(errno == errnum, "%s: %s, not %s", path, strerror(errno), strerror(errnum));
}

static void beneath_without_follow(int root)
{
    opens(root, "sub/file", O_RDONLY, false);
    opens(root, "sub//file", O_RDONLY, false);
    opens(root, "./sub/./file", O_RDONLY, false);
    opens(root, "sub/", O_RDONLY | O_DIRECTORY, false);
    opens(root, ".", O_RDONLY | O_DIRECTORY, false);
    refused(root, "", O_RDONLY, false, ENOENT);
    refused(root, "none", O_RDONLY, false, ENOENT);
    refused(root, "none/file", O_RDONLY, false, ENOENT);
    refused(root, "sub/file/", O_RDONLY, false, ENOTDIR);
    refused(root, "sub/file/x", O_RDONLY, false, ENOTDIR);
    refused(root, "link", O_RDONLY, false, ELOOP);
    refused(root, "dirlink", O_RDONLY | O_DIRECTORY, false, ELOOP);
    refused(root, "dirlink/file", O_RDONLY, false, ELOOP);
    refused(root, "escape", O_RDONLY, false, ELOOP);
    refused(root, "link", O_PATH, false, ELOOP);
    refused(root, "dirlink/", O_RDONLY, false, ELOOP);
    refused(root, "..", O_RDONLY, false, EXDEV);
    refused(root, "../outside", O_RDONLY, false, EXDEV);
    refused(root, "sub/../sub/file", O_RDONLY, false, EXDEV);
    refused(root, "sub/..", O_RDONLY, false, EXDEV);
    refused(root, "/etc/passwd", O_RDONLY, false, EXDEV);
    char name[300];
    memset(name, 'n', sizeof name);
    name[299] = '\0';
    refused(root, name, O_RDONLY, false, ENAMETOOLONG);
    int fd = fs_open_beneath(root, "..made", O_WRONLY | O_CREAT | O_EXCL, false);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_uint_eq(mode_of("root/..made"), 0600);
}

START_TEST(beneath)
{
    umask(022);
    int root = make_tree();
    beneath_without_follow(root);
    opens(root, "link", O_RDONLY, true);
    opens(root, "dirlink/file", O_RDONLY, true);
    refused(root, "escape", O_RDONLY, true, EXDEV);
    refused(root, "absolute", O_RDONLY, true, EXDEV);
    refused(root, "sub/../sub/file", O_RDONLY, true, EXDEV);
    close(root);
    unit_remove_temp();
}
END_TEST

/* The same where openat2 is missing or forbidden; _i is the errno that it then gives. */
START_TEST(beneath_on_old_kernels)
{
    umask(022);
    int root = make_tree();
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)(_i == 0 ? ENOSYS : EPERM)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    beneath_without_follow(root);
    int before = open("/dev/null", O_RDONLY);
    close(before);
    refused(root, "sub/none", O_RDONLY, false, ENOENT);
    opens(root, "sub/file", O_RDONLY, false);
    int after = open("/dev/null", O_RDONLY);
    ck_assert_int_eq(after, before); /* no descriptor is lost on the way */
    refused(root, "link", O_RDONLY, true, _i == 0 ? ENOSYS : EPERM);
    close(root);
    unit_remove_temp();
}
END_TEST

/* Would hang, not fail: the test's timeout is what judges. */
START_TEST(fifo_does_not_block)
{
    Err err = {0};
    Buf buf = {0};
    int root = make_tree();
    int fd = fs_open_beneath(root, "fifo", O_RDONLY, false);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_fails(fs_read_file(unit_path("root/fifo"), 100, &buf, &err), ERR_STOP, "not a regular file");
    ck_fails(fs_open_private_file(unit_path("root/fifo"), 0, &err) >= 0, ERR_STOP, "not a regular file");
    buf_free(&buf);
    close(root);
    unit_remove_temp();
}
END_TEST

START_TEST(private_dirs)
{
    Err err = {0};
    umask(0);
    ck_ok(fs_make_private_dir(unit_path("a/b//c"), &err));
    ck_ok(fs_make_private_dir(unit_path("a/b/c"), &err));
    ck_ok(fs_make_private_dir(unit_path("a/b/d/"), &err));
    ck_assert_uint_eq(mode_of("a"), 0700);
    ck_assert_uint_eq(mode_of("a/b"), 0700);
    ck_assert_uint_eq(mode_of("a/b/c"), 0700);
    umask(0277);
    ck_ok(fs_make_private_dir(unit_path("masked"), &err));
    ck_assert_uint_eq(mode_of("masked"), 0700);
    umask(022);
    /* Readable by others is the owner's choice; writable is not. */
    ck_assert_int_eq(mkdir(unit_path("shared"), 0755), 0);
    ck_ok(fs_make_private_dir(unit_path("shared"), &err));
    ck_assert_uint_eq(mode_of("shared"), 0755);
    ck_assert_int_eq(chmod(unit_path("shared"), 0775), 0);
    ck_fails(fs_make_private_dir(unit_path("shared"), &err), ERR_STOP, "may write to it");
    ck_assert_int_ne(err.hint[0], 0);
    ck_assert_int_eq(chmod(unit_path("shared"), 0757), 0);
    ck_fails(fs_make_private_dir(unit_path("shared"), &err), ERR_STOP, "may write to it");
    unit_remove_temp();
}
END_TEST

START_TEST(private_dir_is_refused)
{
    Err err = {0};
    ck_ok(fs_make_private_dir(unit_path("real"), &err));
    ck_assert_int_eq(symlink("real", unit_path("planted")), 0);
    ck_fails(fs_make_private_dir(unit_path("planted"), &err), ERR_STOP, "planted: Not a directory");
    ck_fails(fs_make_private_dir(unit_path("planted/"), &err), ERR_STOP, "Not a directory");
    put("file", "x");
    ck_fails(fs_make_private_dir(unit_path("file"), &err), ERR_STOP, "Not a directory");
    ck_fails(fs_make_private_dir(unit_path("file/below"), &err), ERR_STOP, "cannot make the directory");
    ck_fails(fs_make_private_dir("", &err), ERR_STOP, "empty");
    if (geteuid() == 0) {
        ck_ok(fs_make_private_dir(unit_path("others"), &err));
        ck_assert_int_eq(chown(unit_path("others"), 12345, 12345), 0);
        ck_fails(fs_make_private_dir(unit_path("others"), &err), ERR_STOP, "another user owns it");
    }
    unit_remove_temp();
}
END_TEST

START_TEST(private_files)
{
    Err err = {0};
    umask(0);
    int fd = fs_open_private_file(unit_path("new"), 0, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert(fs_write(fd, "hello", 5));
    close(fd);
    ck_assert_uint_eq(mode_of("new"), 0600);
    fd = fs_open_private_file(unit_path("new"), O_APPEND, &err);
    ck_assert_int_ge(fd, 0);
    ck_assert(fs_write(fd, "!", 1));
    close(fd);
    holds("new", "hello!");
    ck_fails(fs_open_private_file(unit_path("new"), O_EXCL, &err) >= 0, ERR_STOP, "File exists");
    fd = fs_open_private_file(unit_path("new"), O_TRUNC, &err);
    ck_assert_int_ge(fd, 0);
    close(fd);
    holds("new", "");
    unit_remove_temp();
}
END_TEST

/* What is refused is also not harmed. */
START_TEST(private_file_is_refused)
{
    Err err = {0};
    put("target", "precious");
    ck_assert_int_eq(symlink("target", unit_path("planted")), 0);
    ck_fails(fs_open_private_file(unit_path("planted"), O_TRUNC, &err) >= 0, ERR_STOP, "planted");
    ck_assert_int_eq(err.errnum, ELOOP);
    ck_assert(strstr(err.hint, "symbolic link") != NULL);
    ck_assert_int_eq(symlink("nowhere", unit_path("dangling")), 0);
    ck_fails(fs_open_private_file(unit_path("dangling"), 0, &err) >= 0, ERR_STOP, "dangling");
    ck_assert_int_eq(access(unit_path("nowhere"), F_OK), -1);
    ck_assert_int_eq(chmod(unit_path("target"), 0660), 0);
    ck_fails(fs_open_private_file(unit_path("target"), O_TRUNC, &err) >= 0, ERR_STOP, "may write to it");
    ck_assert_int_eq(chmod(unit_path("target"), 0602), 0);
    ck_fails(fs_open_private_file(unit_path("target"), O_TRUNC, &err) >= 0, ERR_STOP, "may write to it");
    ck_fails(fs_open_private_file(unit_temp_dir(), 0, &err) >= 0, ERR_STOP, "Is a directory");
    ck_assert_int_eq(chmod(unit_path("target"), 0600), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(unit_path("target"), 12345, 12345), 0);
        ck_fails(fs_open_private_file(unit_path("target"), O_TRUNC, &err) >= 0, ERR_STOP, "another user owns it");
    }
    holds("target", "precious");
    unit_remove_temp();
}
END_TEST

START_TEST(read_file_limits)
{
    Err err = {0};
    Buf buf = {0};
    size_t len = 200000;
    char *text = malloc(len + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i % 23);
    text[len] = '\0';
    put("f", text);
    ck_ok(buf_text(&buf, "before:", &err));
    ck_ok(fs_read_file(unit_path("f"), len, &buf, &err));
    ck_assert_uint_eq(buf.len, 7 + len);
    ck_assert(memcmp(buf.data, "before:", 7) == 0);
    ck_assert_str_eq(buf.data + 7, text);
    ck_fails(fs_read_file(unit_path("f"), len - 1, &buf, &err), ERR_STOP, "larger than 199999 bytes");
    ck_fails(fs_read_file(unit_path("none"), len, &buf, &err), ERR_STOP, "none: No such file");
    ck_assert_int_eq(err.errnum, ENOENT);
    ck_fails(fs_read_file(unit_temp_dir(), len, &buf, &err), ERR_STOP, "not a regular file");
    buf_free(&buf);
    free(text);
    unit_remove_temp();
}
END_TEST

/* Short reads and writes of a pipe are continued. */
static void *feed(void *arg)
{
    static char piece[1000];
    memset(piece, 'p', sizeof piece);
    for (int i = 0; i < 300; i++)
        if (!fs_write(*(int *)arg, piece, sizeof piece))
            return arg;
    close(*(int *)arg);
    return NULL;
}

START_TEST(short_reads_are_continued)
{
    int ends[2];
    pthread_t thread;
    void *failed;
    char *data = malloc(400000);
    ck_assert_ptr_nonnull(data);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, feed, &ends[1]), 0);
    ck_assert_int_eq(fs_read(ends[0], data, 250001), 250001);
    ck_assert_int_eq(fs_read(ends[0], data, 400000), 49999);
    ck_assert_int_eq(fs_read(ends[0], data, 10), 0);
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    close(ends[0]);
    ck_assert_int_eq(fs_read(-1, data, 1), -1);
    ck_assert_int_eq(errno, EBADF);
    int full = open("/dev/full", O_WRONLY);
    ck_assert(!fs_write(full, "x", 1));
    ck_assert_int_eq(errno, ENOSPC);
    close(full);
    free(data);
}
END_TEST

START_TEST(read_at)
{
    char data[10] = {0};
    put("f", "0123456789");
    int fd = open(unit_path("f"), O_RDONLY);
    ck_assert_int_eq(fs_read_at(fd, data, 4, 3), 4);
    ck_assert(memcmp(data, "3456", 4) == 0);
    ck_assert_int_eq(fs_read_at(fd, data, 10, 8), 2);
    ck_assert_int_eq(fs_read_at(fd, data, 10, UINT64_C(1) << 40), 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
    close(fd);
    unit_remove_temp();
}
END_TEST

START_TEST(join)
{
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"a", "", "a/"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *joined = fs_join(cases[i][0], cases[i][1]);
        ck_assert_str_eq(joined, cases[i][2]);
        free(joined);
    }
}
END_TEST

START_TEST(sync_errors)
{
    Err err = {0};
    ck_ok(fs_sync_dir(unit_temp_dir(), &err));
    ck_ok(fs_sync_parent(unit_path("anything"), &err));
    ck_ok(fs_sync_parent("/anything", &err));
    ck_ok(fs_sync_parent("anything", &err));
    ck_fails(fs_sync_dir(unit_path("none"), &err), ERR_STOP, "No such file");
    ck_fails(fs_sync_parent(unit_path("none/x"), &err), ERR_STOP, "none: No such file");
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/fs");
    TCase *tests = tcase_create("fs");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, beneath);
    tcase_add_loop_test(tests, beneath_on_old_kernels, 0, 2);
    tcase_add_test(tests, fifo_does_not_block);
    tcase_add_test(tests, private_dirs);
    tcase_add_test(tests, private_dir_is_refused);
    tcase_add_test(tests, private_files);
    tcase_add_test(tests, private_file_is_refused);
    tcase_add_test(tests, read_file_limits);
    tcase_add_test(tests, short_reads_are_continued);
    tcase_add_test(tests, read_at);
    tcase_add_test(tests, join);
    tcase_add_test(tests, sync_errors);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
