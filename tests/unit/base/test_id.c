#include "base/id.h"

#include "../unit.h"
#include "base/clock.h"

START_TEST(uuids_have_their_form_and_sort_by_time)
{
    char last[37] = "", uuid[37];
    for (int i = 0; i < 5; i++) {
        id_new_uuid(uuid);
        ck_assert_uint_eq(strlen(uuid), 36);
        ck_assert_uint_eq(strspn(uuid, "0123456789abcdef-"), 36);
        ck_assert_msg(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-', "%s", uuid);
        ck_assert_int_eq(uuid[14], '7');
        ck_assert_ptr_nonnull(strchr("89ab", uuid[19]));
        ck_assert_msg(strcmp(last, uuid) < 0, "%s, then %s", last, uuid);
        memcpy(last, uuid, sizeof last);
        clock_sleep(0.002);
    }
}
END_TEST

START_TEST(random_numbers_differ)
{
    uint64_t seen[100];
    for (size_t i = 0; i < 100; i++) {
        seen[i] = id_random64();
        for (size_t k = 0; k < i; k++)
            ck_assert(seen[k] != seen[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/id");
    TCase *tc = tcase_create("id");
    tcase_add_test(tc, uuids_have_their_form_and_sort_by_time);
    tcase_add_test(tc, random_numbers_differ);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
