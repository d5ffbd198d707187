#include "base/nearest.h"

#include "../unit.h"

static const char *among(const char *word, const char *const *known)
{
    Nearest nearest = nearest_to(word, strlen(word));
    for (; *known != NULL; known++)
        nearest_try(&nearest, *known);
    return nearest.found;
}

START_TEST(nearest)
{
    static const char *const words[] = {"run", "check", "cleanup", "get", "restore", NULL};
    ck_assert_str_eq(among("chekc", words), "check");
    ck_assert_str_eq(among("chck", words), "check");
    ck_assert_str_eq(among("ceck", words), "check");
    ck_assert_str_eq(among("gett", words), "get");
    ck_assert_str_eq(among("clean-up", words), "cleanup");
    ck_assert_str_eq(among("restroe", words), "restore");
    ck_assert_str_eq(among("check", words), "check");
    ck_assert_ptr_null(among("frobnicate", words));
    ck_assert_ptr_null(among("", words));
    ck_assert_ptr_null(among("a-word-that-is-longer-than-any-of-the-program", words));
}
END_TEST

START_TEST(least_difference_wins)
{
    static const char *const words[] = {"batch-bytes", "batch-rows", NULL};
    ck_assert_str_eq(among("batch-row", words), "batch-rows");
    ck_assert_str_eq(among("bacth-bytes", words), "batch-bytes");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nearest");
    TCase *tests = tcase_create("nearest");
    tcase_add_test(tests, nearest);
    tcase_add_test(tests, least_difference_wins);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
