#include "../unit.h"

#include "../../../src/flow/share.h"

START_TEST(a_payload_gets_what_its_growing_buffer_leaves)
{
    uint64_t mebibyte = 1024 * 1024;
    ck_assert_uint_eq(share_for_payload(SHARE_OVERHEAD + 30 * mebibyte), 20 * mebibyte);
    ck_assert_uint_eq(share_for_payload(SHARE_OVERHEAD + 3 * mebibyte), 2 * mebibyte);
}
END_TEST

START_TEST(a_small_share_still_gets_the_least)
{
    ck_assert_uint_eq(share_for_payload(0), SHARE_LEAST);
    ck_assert_uint_eq(share_for_payload(SHARE_OVERHEAD), SHARE_LEAST);
    ck_assert_uint_eq(share_for_payload(SHARE_OVERHEAD + 1024), SHARE_LEAST);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/share");
    TCase *tc = tcase_create("share");
    tcase_add_test(tc, a_payload_gets_what_its_growing_buffer_leaves);
    tcase_add_test(tc, a_small_share_still_gets_the_least);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
