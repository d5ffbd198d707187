/* The races are made real: the test stands in for the C library's rename, unlink, fdopendir and fsync, does what another process
 * could do just before, and then makes the call itself. */
#define _GNU_SOURCE
#include "source/removal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/tree.h"
#include "../unit.h"

static Err err;
static bool gone;
static int root, trash;
static int renames, unlinks, listings, syncs;   /* calls so far */
static int at_rename, at_unlink, at_listing;    /* which call is preceded by `meanwhile`; 0 = none */
static int fail_sync;                           /* which fsync fails; 0 = none */
static const char *meanwhile;                   /* a shell script */
static bool without_flags;                      /* renameat2 knows none, as on NFS */
static const char *flagged;                     /* a path that has … */
static uint64_t its_flags;                      /* … these attributes in statx */
static uint64_t other_mount;                    /* … or another mount */

static void shell(const char *script)
{
    char command[2000];
    snprintf(command, sizeof command, "cd '%s' && { %s\n}", unit_temp_dir(), script);
    ck_assert_msg(system(command) == 0, "%s", script);
}

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
    if (++renames == at_rename)
        shell(meanwhile);
    if (without_flags && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

int statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
    int result = (int)syscall(SYS_statx, dir, path, flags, mask, out);
    if (flagged != NULL && result == 0 && strcmp(path, flagged) == 0) {
        out->stx_attributes |= its_flags;
        out->stx_attributes_mask |= its_flags;
        out->stx_mask |= STATX_MNT_ID;
        out->stx_mnt_id += other_mount;
    }
    return result;
}

int unlinkat(int dir, const char *name, int flags)
{
    if (++unlinks == at_unlink)
        shell(meanwhile);
    return (int)syscall(SYS_unlinkat, dir, name, flags);
}

DIR *fdopendir(int fd)
{
    static DIR *(*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fdopendir");
    if (++listings == at_listing)
        shell(meanwhile);
    return real(fd);
}

int fsync(int fd)
{
    if (++syncs == fail_sync) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void setup(void)
{
    err = (Err){0};
    shell("mkdir -p root/a/b trash && echo content > root/a/b/x && echo other > root/y && mkdir -p root/d/sub && echo 1 > "
          "root/d/one && echo 2 > root/d/sub/two "
          "&& mkdir root/d/empty");
    char path[300];
    snprintf(path, sizeof path, "%s/root", unit_temp_dir());
    root = open(path, O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "%s/trash", unit_temp_dir());
    trash = open(path, O_RDONLY | O_DIRECTORY);
    ck_assert(root >= 0 && trash >= 0);
    without_flags = false;
    flagged = NULL;
    its_flags = other_mount = 0;
    renames = unlinks = listings = syncs = at_rename = at_unlink = at_listing = fail_sync = 0;
}

static void teardown(void)
{
    close(root);
    close(trash);
    at_rename = at_unlink = at_listing = fail_sync = 0;
    unit_remove_temp();
}

static Stamp stamp_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    return (Stamp){.dev = st.st_dev,
                   .ino = st.st_ino,
                   .size = (uint64_t)st.st_size,
                   .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
                   .ctime_ns = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec};
}

static Stamp stamp_of_directory(const char *path)
{
    TreeList list = {0};
    int fd = openat(root, path, O_RDONLY | O_DIRECTORY);
    ck_ok(tree_list(fd, 0, &list, &err));
    Stamp stamp = {
        .dev = list.dev, .ino = list.ino, .size = list.bytes, .mtime_ns = list.newest_ns, .ctime_ns = (int64_t)list.fingerprint};
    tree_list_free(&list);
    close(fd);
    return stamp;
}

/* What lies below the test's folder: files with their first line, in order. */
static void expect(const char *wanted)
{
    char command[600], text[4000];
    snprintf(command, sizeof command,
             "cd '%s' && find root trash -type f | sed 's|cleanup-[0-9a-f]*|cleanup-X|' | sort | tr '\\n' ' '", unit_temp_dir());
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(text, 1, sizeof text - 1, pipe);
    text[len] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_str_eq(text, wanted);
}

#define ALL "root/a/b/x root/d/one root/d/sub/two root/y "

START_TEST(test_file_is_deleted)
{
    Stamp stamp = stamp_of("a/b/x");
    ck_ok(removal_take(root, "a/b/x", false, &stamp, -1, &gone, &err));
    expect("root/d/one root/d/sub/two root/y ");
    stamp = stamp_of("y");
    ck_ok(removal_take(root, "y", false, &stamp, -1, &gone, &err));
    expect("root/d/one root/d/sub/two ");
}
END_TEST

START_TEST(test_directory_is_deleted)
{
    Stamp stamp = stamp_of_directory("d");
    ck_ok(removal_take(root, "d", true, &stamp, -1, &gone, &err));
    expect("root/a/b/x root/y ");
    shell("test ! -e root/d && test -z \"$(ls -A root | grep cleanup)\"");
}
END_TEST

START_TEST(test_trash_keeps_the_path)
{
    Stamp stamp = stamp_of("a/b/x");
    ck_ok(removal_take(root, "a/b/x", false, &stamp, trash, &gone, &err));
    stamp = stamp_of_directory("d");
    ck_ok(removal_take(root, "d", true, &stamp, trash, &gone, &err));
    expect("root/y trash/a/b/x trash/d/one trash/d/sub/two ");
    shell("test -d trash/d/empty");
}
END_TEST

START_TEST(test_trash_has_something_of_this_name)
{
    Stamp stamp = stamp_of("y");
    shell("echo mine > trash/y");
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_SKIP, "the trash already holds");
    ck_assert_int_eq(renames, 0);
    expect(ALL "trash/y ");
    shell("grep -q mine trash/y && grep -q other root/y");
    shell("rm trash/y && mkdir trash/y");
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_SKIP, "");
    shell("rmdir trash/y && ln -s /nowhere trash/a");
    stamp = stamp_of("a/b/x");
    ck_fails(removal_take(root, "a/b/x", false, &stamp, trash, &gone, &err), ERR_SKIP, "cannot be made");
    ck_assert_msg(renames == 0, "its ctime is that of the plan");
    expect(ALL);
}
END_TEST

/* Somebody puts a file there at the last moment. */
START_TEST(test_trash_is_taken_at_the_last_moment)
{
    Stamp stamp = stamp_of("y");
    at_rename = 2;
    meanwhile = "echo mine > trash/y";
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_SKIP, "the trash already holds");
    shell("grep -q mine trash/y && grep -q other root/y");
}
END_TEST

START_TEST(test_every_field_of_the_stamp_counts)
{
    for (int field = 0; field < 5; field++) {
        Stamp stamp = stamp_of("y");
        stamp.dev += field == 0;
        stamp.ino += field == 1;
        stamp.size += field == 2;
        stamp.mtime_ns += field == 3;
        stamp.ctime_ns += field == 4;
        ck_fails(removal_take(root, "y", false, &stamp, -1, &gone, &err), ERR_SKIP, "changed or vanished");
        stamp = stamp_of_directory("d");
        stamp.dev += field == 0;
        stamp.ino += field == 1;
        stamp.size += field == 2;
        stamp.mtime_ns += field == 3;
        stamp.ctime_ns += field == 4;
        ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, "changed or vanished");
    }
    expect(ALL);
    ck_assert_int_eq(renames, 0);
}
END_TEST

START_TEST(test_what_is_no_source)
{
    Stamp stamp = stamp_of("y"), tree = stamp_of_directory("d");
    ck_fails(removal_take(root, "nothing", false, &stamp, -1, &gone, &err), ERR_SKIP, "nothing");
    ck_fails(removal_take(root, "no/thing", false, &stamp, -1, &gone, &err), ERR_SKIP, "no/thing");
    ck_fails(removal_take(root, "d", false, &tree, -1, &gone, &err), ERR_SKIP, "d");
    ck_fails(removal_take(root, "y", true, &stamp, -1, &gone, &err), ERR_SKIP, "y");
    shell("mv root/y root/z && ln -s z root/y && mv root/d root/e && ln -s e root/d");
    ck_fails(removal_take(root, "y", false, &stamp, -1, &gone, &err), ERR_SKIP, "y");
    ck_fails(removal_take(root, "d", true, &tree, -1, &gone, &err), ERR_SKIP, "d");
    ck_fails(removal_take(root, "../root/z", false, &stamp, -1, &gone, &err), ERR_SKIP, "");
    ck_fails(removal_take(root, "a/../z", false, &stamp, -1, &gone, &err), ERR_SKIP, "");
    shell("ln -s b root/a/link");
    Stamp x = stamp_of("a/b/x");
    ck_fails(removal_take(root, "a/link/x", false, &x, -1, &gone, &err), ERR_SKIP, "");
    expect("root/a/b/x root/e/one root/e/sub/two root/z ");
}
END_TEST

static const char *const replacements[] = {
    "cp -p root/y new && mv new root/y", /* same content, same time */
    "echo newer > root/y",
    "echo more >> root/y",
    "rm root/y && ln -s a/b/x root/y",
    "rm root/y && mkdir root/y && echo inner > root/y/z",
};

/* It is replaced between the last look and the rename: what took its place keeps its name. */
START_TEST(test_file_replaced_at_the_last_moment)
{
    Stamp stamp = stamp_of("y");
    char script[300];
    at_rename = 1;
    meanwhile = script;
    snprintf(script, sizeof script, "sleep 0.01; %s && ls -lid root/y > before", replacements[_i]);
    ck_fails(removal_take(root, "y", false, &stamp, -1, &gone, &err), ERR_SKIP, "another file took its name");
    shell("ls -lid root/y | diff - before && test -z \"$(ls -A root | grep cleanup)\"");
}
END_TEST

START_TEST(test_directory_changed_at_the_last_moment)
{
    static const char *const changes[] = {"echo 3 > root/d/sub/three", "touch root/d/one", "rm root/d/one", "mkdir root/d/sub/new",
                                          "mv root/d old && cp -a old root/d"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        Stamp stamp = stamp_of_directory("d");
        renames = 0;
        at_rename = 1;
        meanwhile = changes[i];
        ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, "another file took its name");
        shell("test -e root/d/sub/two && test -z \"$(ls -A root | grep cleanup)\"");
    }
}
END_TEST

/* After the last look at it: what is listed for the removal is not what was proven. */
START_TEST(test_directory_changed_before_its_members_go)
{
    Stamp stamp = stamp_of_directory("d");
    listings = 0;
    at_listing = 10; /* the directory and its two folders are listed three times before */
    meanwhile = "echo precious > \"$(ls -d root/.cleanup-*)/sub/three\"";
    ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, "changed during the removal");
    shell("grep -q precious root/d/sub/three && test -e root/d/one");
}
END_TEST

/* What a process writes after the removal would be lost. `sleep` keeps the descriptor of its shell. */
START_TEST(test_open_for_writing)
{
    static const char *const names[] = {"y", "d"}, *const opened[] = {"y", "d/one"};
    static const bool is_directory[] = {false, true};
    char script[200], why[OBSTACLE_BYTES];
    for (size_t i = 0; i < 2; i++) {
        Stamp stamp = is_directory[i] ? stamp_of_directory(names[i]) : stamp_of(names[i]);
        int fd = openat(root, opened[i], O_RDWR);
        ck_assert_int_ge(fd, 0);
        ck_assert(removal_obstacle(root, names[i], is_directory[i], NULL, why));
        ck_assert_msg(strstr(why, "open for writing") != NULL, "%s", why);
        ck_fails(removal_take(root, names[i], is_directory[i], &stamp, -1, &gone, &err), ERR_SKIP, "open for writing");
        close(fd);
        renames = 0;
        at_rename = 1;
        meanwhile = script;
        snprintf(script, sizeof script, "exec 9>>root/%s; sleep 60 >/dev/null 2>&1 & echo $! > pid", opened[i]);
        ck_fails(removal_take(root, names[i], is_directory[i], &stamp, -1, &gone, &err), ERR_SKIP, "for writing during the removal");
        shell("kill $(cat pid) && test -e root/y -a -e root/d/one && test -z \"$(ls -A root | grep cleanup)\"");
    }
}
END_TEST

/* Its name is taken while it must be given back: both are still there, and the error says where. */
START_TEST(test_name_cannot_be_given_back)
{
    Stamp stamp = stamp_of("y");
    at_rename = 2; /* aside, to the trash, back */
    meanwhile = "echo mine > trash/y && echo newcomer > root/y";
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_STOP, ".cleanup-");
    shell("grep -q newcomer root/y && grep -q other root/.cleanup-* && grep -q mine trash/y");
}
END_TEST

/* Only what was listed goes. */
START_TEST(test_member_that_comes_while_the_directory_goes)
{
    Stamp stamp = stamp_of_directory("d");
    at_unlink = 2;
    meanwhile = "cd root/.cleanup-*/sub && echo precious > new";
    ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, "sub/new came at the last moment, is not stored");
    ck_assert(gone);
    shell("grep -q precious root/d/sub/new");
    expect("root/a/b/x root/d/sub/new root/y ");
}
END_TEST

START_TEST(test_member_that_is_replaced_while_the_directory_goes)
{
    Stamp stamp = stamp_of_directory("d");
    at_unlink = 1;
    meanwhile = "cd root/.cleanup-* && echo precious > one";
    ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, "one came at the last moment, is not stored");
    ck_assert(gone);
    shell("grep -q precious root/d/one");
    expect("root/a/b/x root/d/one root/y ");
}
END_TEST

/* And its place is taken as well: it is beside it, and the error says where. */
START_TEST(test_rest_of_a_directory_whose_name_is_taken)
{
    Stamp stamp = stamp_of_directory("d");
    at_unlink = 2;
    meanwhile = "mkdir root/d && cd root/.cleanup-*/sub && echo precious > new";
    ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_STOP, "is not stored, and is in the same folder in .cleanup-");
    ck_assert(gone);
    shell("grep -q precious root/.cleanup-*/sub/new");
}
END_TEST

/* A file system that cannot rename without replacing: all the same, by other calls. */
START_TEST(test_rename_without_flags)
{
    bool resumed;
    without_flags = true;
    Stamp stamp = stamp_of("y"), tree = stamp_of_directory("d");
    ck_ok(removal_take(root, "y", false, &stamp, -1, &gone, &err));
    ck_ok(removal_take(root, "d", true, &tree, trash, &gone, &err));
    expect("root/a/b/x trash/d/one trash/d/sub/two ");
    stamp = stamp_of("a/b/x");
    ck_ok(removal_take(root, "a/b/x", false, &stamp, trash, &gone, &err));
    expect("trash/a/b/x trash/d/one trash/d/sub/two ");
    /* The name in the trash, or its own, is taken while it is on its way. */
    shell("echo other > root/y && echo mine > trash/y");
    stamp = stamp_of("y");
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_SKIP, "the trash already holds");
    at_unlink = unlinks + 1;
    meanwhile = "rm trash/y";
    ck_ok(removal_take(root, "y", false, &stamp, -1, &gone, &err));
    /* Killed between link and unlink: two names of one file. */
    shell("echo other > root/y && ln root/y root/.cleanup-$(printf y | sha256sum | cut -c 1-16)");
    stamp = stamp_of("y");
    ck_ok(removal_resume(root, "y", false, &stamp, &resumed, &err));
    ck_assert(!resumed);
    shell("test $(stat -c %h root/y) = 1 && test \"$(ls -A root)\" = \"$(printf 'a\\ny')\"");
}
END_TEST

/* All is asked before anything is touched. */
START_TEST(test_obstacles)
{
    static const struct {
        const char *path;
        uint64_t flags, mount;
        const char *why;
    } cases[] = {
        {"d", STATX_ATTR_IMMUTABLE, 0, "it is immutable"},       {"one", STATX_ATTR_IMMUTABLE, 0, "its member one is immutable"},
        {"sub/two", STATX_ATTR_APPEND, 0, "its member sub/two"}, {"sub", STATX_ATTR_IMMUTABLE, 0, "its member sub is immutable"},
        {"sub", 0, 1000, "its member sub is a mount point"},     {"sub/two", 0, 1000, "its member sub/two is a mount point"},
        {"d", 0, 1000, "it is a mount point"},                   {"empty", 0, 1000, "its member empty is a mount point"},
    };
    char why[OBSTACLE_BYTES];
    Stamp stamp = stamp_of_directory("d");
    ck_assert(!removal_obstacle(root, "d", true, NULL, why) && !removal_obstacle(root, "a/b/x", false, NULL, why));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        flagged = cases[i].path;
        its_flags = cases[i].flags;
        other_mount = cases[i].mount;
        ck_assert_msg(removal_obstacle(root, "d", true, NULL, why) && strstr(why, cases[i].why) != NULL, "%s: %s", cases[i].path,
                      why);
        ck_fails(removal_take(root, "d", true, &stamp, -1, &gone, &err), ERR_SKIP, cases[i].why);
        ck_assert(!gone && renames == 0 && unlinks == 0);
        flagged = NULL;
    }
    expect(ALL);
    flagged = "y";
    other_mount = 0;
    its_flags = STATX_ATTR_APPEND;
    ck_assert(removal_obstacle(root, "y", false, NULL, why) && strstr(why, "it may only be appended to") != NULL);
    flagged = "";
    ck_assert(removal_obstacle(root, "y", false, NULL, why) && strstr(why, "its folder may only be appended to") != NULL);
}
END_TEST

START_TEST(test_fsync_that_fails)
{
    Stamp stamp = stamp_of("y");
    fail_sync = 1; /* of the folder in the trash */
    ck_fails(removal_take(root, "y", false, &stamp, trash, &gone, &err), ERR_STOP, "is in the trash");
    shell("grep -q other trash/y && test ! -e root/y");
    stamp = stamp_of("a/b/x");
    syncs = 0;
    ck_fails(removal_take(root, "a/b/x", false, &stamp, -1, &gone, &err), ERR_STOP, "fsync of its folder");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/removal");
    TCase *tc = tcase_create("removal");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_file_is_deleted);
    tcase_add_test(tc, test_directory_is_deleted);
    tcase_add_test(tc, test_trash_keeps_the_path);
    tcase_add_test(tc, test_trash_has_something_of_this_name);
    tcase_add_test(tc, test_trash_is_taken_at_the_last_moment);
    tcase_add_test(tc, test_every_field_of_the_stamp_counts);
    tcase_add_test(tc, test_what_is_no_source);
    tcase_add_loop_test(tc, test_file_replaced_at_the_last_moment, 0, (int)(sizeof replacements / sizeof *replacements));
    tcase_add_test(tc, test_directory_changed_at_the_last_moment);
    tcase_add_test(tc, test_directory_changed_before_its_members_go);
    tcase_add_test(tc, test_open_for_writing);
    tcase_add_test(tc, test_name_cannot_be_given_back);
    tcase_add_test(tc, test_member_that_comes_while_the_directory_goes);
    tcase_add_test(tc, test_member_that_is_replaced_while_the_directory_goes);
    tcase_add_test(tc, test_rest_of_a_directory_whose_name_is_taken);
    tcase_add_test(tc, test_rename_without_flags);
    tcase_add_test(tc, test_obstacles);
    tcase_add_test(tc, test_fsync_that_fails);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
