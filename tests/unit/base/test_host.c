#include "base/host.h"

#include "../unit.h"

START_TEST(the_name_is_that_of_the_machine_and_is_cut_to_fit)
{
    char whole[256], cut[3] = "##", one[1] = "#";
    host_name(whole, sizeof whole);
    ck_assert_uint_gt(strlen(whole), 0);
    host_name(cut, sizeof cut);
    ck_assert_uint_lt(strlen(cut), sizeof cut);
    host_name(one, sizeof one);
    ck_assert_str_eq(one, "");
}
END_TEST

START_TEST(the_user_has_a_name_or_a_number)
{
    char whole[256], one[1] = "#";
    host_user(whole, sizeof whole);
    ck_assert_uint_gt(strlen(whole), 0);
    host_user(one, sizeof one);
    ck_assert_str_eq(one, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/host");
    TCase *tc = tcase_create("host");
    tcase_add_test(tc, the_name_is_that_of_the_machine_and_is_cut_to_fit);
    tcase_add_test(tc, the_user_has_a_name_or_a_number);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
