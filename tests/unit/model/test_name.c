#include "../../../src/model/name.h"

#include "../unit.h"
#include "store/store.h"

START_TEST(test_text_problems)
{
    char text[300];
    memset(text, 'a', sizeof text);
    ck_assert_ptr_null(name_text_problem(text, 50, STORE_TYPE_MAX));
    ck_assert_str_eq(name_text_problem(text, 51, STORE_TYPE_MAX), "is longer than 50 characters");
    ck_assert_ptr_null(name_text_problem(text, 255, STORE_NAME_MAX));
    ck_assert_str_eq(name_text_problem(text, 256, STORE_NAME_MAX), "is longer than 255 characters");
    ck_assert_str_eq(name_text_problem(text, 0, STORE_NAME_MAX), "is empty");
    ck_assert_ptr_null(name_text_problem("a/../b", 6, STORE_NAME_MAX));
}
END_TEST

START_TEST(test_name_problems)
{
    static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".", "..", "a/.", "./a", "a/../b", "../a", "a\nb", "\xff"};
    static const char *const good[] = {"a", "a/b", "...", "a/...", ".a", "..a", "a.", "a/.b", "-", "a b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(name_problem(bad[i], strlen(bad[i])) != NULL, "%s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(name_problem(good[i], strlen(good[i])) == NULL, "%s", good[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/name");
    TCase *tc = tcase_create("name");
    tcase_add_test(tc, test_text_problems);
    tcase_add_test(tc, test_name_problems);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
