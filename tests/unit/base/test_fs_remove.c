#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "../unit.h"

static int open_temp(void)
{
    int dir = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY);
    ck_assert_int_ge(dir, 0);
    return dir;
}

static void shell(const char *script)
{
    char command[1200];
    snprintf(command, sizeof command, "cd '%s' && %s", unit_temp_dir(), script);
    ck_assert_msg(system(command) == 0, "%s", script);
}

static bool is_there(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Files, links and directories of any shape go; what links lead to, and the neighbours, stay. */
START_TEST(removes_all_of_it)
{
    Err err = {0};
    int dir = open_temp();
    shell("mkdir -p keep/sub tree/a/b/c tree/empty && echo x >keep/sub/file && echo y >tree/a/b/file && mkfifo tree/pipe && "
          "ln -s ../keep tree/link && ln -s \"$PWD/keep\" tree/a/absolute && ln -s .. tree/a/b/up && ln -s nowhere tree/dangling "
          "&& "
          "ln keep/sub/file tree/hard && ln -s keep link && touch plain && for i in $(seq 3000); do : >tree/a/$i; done");
    ck_ok(fs_remove_tree(dir, "tree", &err));
    ck_ok(fs_remove_tree(dir, "link", &err));
    ck_ok(fs_remove_tree(dir, "plain", &err));
    ck_assert(!is_there(dir, "tree") && !is_there(dir, "link") && !is_there(dir, "plain") && is_there(dir, "keep/sub/file"));
    ck_ok(fs_remove_tree(dir, "tree", &err));
    close(dir);
    unit_remove_temp();
}
END_TEST

START_TEST(only_names)
{
    static const char *const names[] = {"", ".", "..", "/", "a/b", "../x", "/tmp/x"};
    Err err = {0};
    int dir = open_temp();
    shell("mkdir a && touch a/b");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_fails(fs_remove_tree(dir, names[i], &err), ERR_BUG, "is not the name of an entry");
    ck_assert(is_there(dir, "a/b"));
    close(dir);
    unit_remove_temp();
}
END_TEST

/* Deeper than it goes: an error that names the way, not a crash; nothing else is touched. */
START_TEST(too_deep)
{
    Err err = {0};
    int dir = open_temp();
    shell("p=tree; for i in $(seq 300); do p=$p/d; done; mkdir -p $p");
    ck_fails(fs_remove_tree(dir, "tree", &err), ERR_STOP, "tree: d: d: ");
    ck_assert(is_there(dir, "tree"));
    close(dir);
    unit_remove_temp();
}
END_TEST

START_TEST(no_permission)
{
    Err err = {0};
    int dir = open_temp();
    shell("mkdir -p tree/a && touch tree/a/file");
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(unit_temp_dir(), 0755), 0);
        shell("chmod 777 . && chown -R 65534 tree && chmod 500 tree/a");
        ck_assert_int_eq(seteuid(65534), 0);
    } else {
        shell("chmod 500 tree/a");
    }
    ck_fails(fs_remove_tree(dir, "tree", &err), ERR_STOP, "file: cannot be removed");
    ck_assert(is_there(dir, "tree"));
    shell("chmod 700 tree/a");
    ck_ok(fs_remove_tree(dir, "tree", &err));
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    close(dir);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/fs_remove");
    TCase *tests = tcase_create("fs_remove");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, removes_all_of_it);
    tcase_add_test(tests, only_names);
    tcase_add_test(tests, too_deep);
    tcase_add_test(tests, no_permission);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
