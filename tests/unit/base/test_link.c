#include "base/link.h"

#include "../scan_unit.h"

static char real[LINK_PATH_MAX];

static void leads(const char *path, const char *expected)
{
    int fd = link_resolve(root, path, real);
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    ck_assert_str_eq(real, expected);
    close(fd);
}

static void fails(const char *path, int errnum)
{
    int fd = link_resolve(root, path, real);
    ck_assert_msg(fd < 0 && errno == errnum, "%s: %d, %s", path, fd, strerror(errno));
}

START_TEST(where_links_lead)
{
    char absolute[600];
    put("a/f", "1");
    put_link("b/one", "../a/f");
    put_link("b/two", "one");
    put_link("dir", "a");
    put_link("self", ".");
    snprintf(absolute, sizeof absolute, "%s/a/f", unit_temp_dir());
    put_link("absolute", absolute);
    leads("a/f", "a/f");
    leads("b/one", "a/f");
    leads("b/two", "a/f");
    leads("dir/f", "a/f");
    leads("self", ".");
    leads("self/self/dir", "a");
    leads("absolute", "a/f");
}
END_TEST

START_TEST(where_they_must_not)
{
    char beside[600];
    put_link("gone", "nothing");
    put_link("circle", "circle");
    put_link("out", "/etc/passwd");
    put_link("up", "..");
    snprintf(beside, sizeof beside, "%s-beside", unit_temp_dir());
    ck_assert_int_eq(mkdir(beside, 0700), 0);
    put_link("beside", beside); /* a path that begins like the root's own */
    fails("gone", ENOENT);
    fails("circle", ELOOP);
    fails("out", EXDEV);
    fails("up", EXDEV);
    fails("beside", EXDEV);
    ck_assert_int_eq(rmdir(beside), 0);
}
END_TEST

START_TEST(opening)
{
    char byte;
    put("a/f", "1");
    put_link("l", "a/f");
    put_link("out", "/etc/passwd");
    int fd = link_open(root, "l", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    ck_assert_int_eq(byte, '1');
    close(fd);
    ck_assert_int_eq(link_open(root, "out", O_RDONLY), -1);
    ck_assert_int_eq(errno, EXDEV);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/link");
    TCase *tc = tcase_create("link");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, where_links_lead);
    tcase_add_test(tc, where_they_must_not);
    tcase_add_test(tc, opening);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
