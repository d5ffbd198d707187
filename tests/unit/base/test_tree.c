#include "base/tree.h"

#include "../scan_unit.h"
#include "base/interrupt.h"

static TreeList tree;

static void list_it(unsigned flags)
{
    Err err = {0};
    tree_list_free(&tree);
    ck_ok(tree_list(root, flags, &tree, &err));
}

static void end(void)
{
    tree_list_free(&tree);
    teardown();
}

START_TEST(entries_are_sorted_by_bytes)
{
    static const char *const expected[] = {"a", "a-b", "a/c", "a/c/d", "a/c/empty", "b"};
    put("b", "12");
    put("a/c/d", "345");
    put("a-b", "6");
    put_dir("a/c/empty");
    list_it(0);
    ck_assert_uint_eq(tree.count, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(tree.items[i].path, expected[i]);
    ck_assert_uint_eq(tree.bytes, 6);
    ck_assert_uint_eq(tree.files, 3);
    ck_assert(tree.items[4].is_directory && tree.items[4].size == 0 && !tree.items[3].is_directory && tree.items[3].size == 3);
    ck_assert_int_gt(tree.newest_ns, 0);
}
END_TEST

/* What moves the fingerprint. */
START_TEST(every_change_is_seen)
{
    put("f", "1");
    put("d/g", "2");
    list_it(0);
    TreeList before = tree;
    tree = (TreeList){0};
    list_it(0);
    ck_assert(tree_same(&before, &tree));
    static const char *const changes[] = {"chmod +x f", "printf 3 >f", "mkdir e", "rmdir e && mv f h", "touch -d @1 h", "ln h i && rm h"};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char command[600];
        snprintf(command, sizeof command, "cd '%s' && %s", unit_temp_dir(), changes[i]);
        ck_assert_int_eq(system(command), 0);
        list_it(0);
        ck_assert_msg(!tree_same(&before, &tree), "%s", changes[i]);
        tree_list_free(&before);
        before = tree;
        tree = (TreeList){0};
    }
    tree_list_free(&before);
}
END_TEST

START_TEST(executable_is_the_owners_bit)
{
    put("a", "1");
    put("b", "1");
    ck_assert_int_eq(fchmodat(root, "a", 0100 | 0600, 0), 0);
    ck_assert_int_eq(fchmodat(root, "b", 0011 | 0600, 0), 0);
    list_it(0);
    ck_assert(tree.items[0].executable && !tree.items[1].executable);
}
END_TEST

START_TEST(what_is_refused)
{
    Err err = {0};
    put_dir("d");
    ck_fails(tree_list(root, 0, &tree, &err), ERR_SKIP, "holds no file");
    put("f", "1");
    put_link("d/l", "../f");
    ck_fails(tree_list(root, 0, &tree, &err), ERR_SKIP, "d/l is a symbolic link");
    ck_ok(tree_list(root, TREE_FOLLOW_LINKS, &tree, &err));
    ck_assert_uint_eq(tree.files, 2);
    tree_list_free(&tree);
    ck_assert_int_eq(unlinkat(root, "d/l", 0), 0);
    put_link("d/l", "/etc/passwd");
    ck_fails(tree_list(root, TREE_FOLLOW_LINKS, &tree, &err), ERR_SKIP, "d/l cannot be followed inside the model's directory");
    ck_assert_int_eq(unlinkat(root, "d/l", 0), 0);
    put_link("d/l", "../d");
    ck_fails(tree_list(root, TREE_FOLLOW_LINKS, &tree, &err), ERR_SKIP, "link to a directory");
    ck_assert_int_eq(unlinkat(root, "d/l", 0), 0);
    ck_assert_int_eq(mkfifoat(root, "d/p", 0600), 0);
    ck_fails(tree_list(root, 0, &tree, &err), ERR_SKIP, "d/p is not a regular file");
    ck_assert(tree.items == NULL && tree.count == 0);
}
END_TEST

START_TEST(directories_inside_each_other)
{
    Err err = {0};
    char path[400] = "";
    for (int i = 0; i < 70; i++)
        strcat(path, "d/");
    strcat(path, "f");
    put(path, "1");
    ck_fails(tree_list(root, 0, &tree, &err), ERR_SKIP, "more than 64 directories inside each other");
}
END_TEST

START_TEST(a_signal_ends_it_where_that_is_wanted)
{
    Err err = {0};
    put("f", "1");
    interrupt_set(15);
    ck_fails(tree_list(root, TREE_INTERRUPTIBLE, &tree, &err), ERR_INTERRUPTED, "signal 15");
    ck_ok(tree_list(root, 0, &tree, &err)); /* a removal that has begun is finished */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/tree");
    TCase *tc = tcase_create("tree");
    tcase_add_checked_fixture(tc, setup, end);
    tcase_add_test(tc, entries_are_sorted_by_bytes);
    tcase_add_test(tc, every_change_is_seen);
    tcase_add_test(tc, executable_is_the_owners_bit);
    tcase_add_test(tc, what_is_refused);
    tcase_add_test(tc, directories_inside_each_other);
    tcase_add_test(tc, a_signal_ends_it_where_that_is_wanted);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
