#include "../../../src/source/scan/seen.h"

#include <inttypes.h>

#include "../unit.h"

START_TEST(the_first_path_is_remembered)
{
    Err err = {0};
    Seen seen = {0};
    const char *first;
    char path[] = "a/b";
    ck_ok(seen_add(&seen, 1, 2, path, &first, &err));
    ck_assert_ptr_null(first);
    path[0] = 'x'; /* it was copied */
    ck_ok(seen_add(&seen, 1, 2, "c", &first, &err));
    ck_assert_str_eq(first, "a/b");
    ck_ok(seen_add(&seen, 2, 1, "d", &first, &err));
    ck_assert_ptr_null(first);
    ck_ok(seen_add(&seen, UINT64_MAX, UINT64_MAX, "e", &first, &err));
    ck_assert_ptr_null(first);
    ck_ok(seen_add(&seen, UINT64_MAX, UINT64_MAX, "f", &first, &err));
    ck_assert_str_eq(first, "e");
    seen_free(&seen);
    seen_free(&seen);
}
END_TEST

START_TEST(numbers_do_not_run_together)
{
    Err err = {0};
    Seen seen = {0};
    const char *first;
    ck_ok(seen_add(&seen, 0x11, 0x1, "a", &first, &err));
    ck_ok(seen_add(&seen, 0x1, 0x11, "b", &first, &err));
    ck_assert_ptr_null(first);
    for (uint64_t i = 0; i < 2000; i++) {
        char path[30];
        snprintf(path, sizeof path, "p%" PRIu64, i);
        ck_ok(seen_add(&seen, 7, i, path, &first, &err));
        ck_assert_ptr_null(first);
    }
    ck_ok(seen_add(&seen, 7, 1234, "again", &first, &err));
    ck_assert_str_eq(first, "p1234");
    seen_free(&seen);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/scan/seen");
    TCase *tc = tcase_create("seen");
    tcase_add_test(tc, the_first_path_is_remembered);
    tcase_add_test(tc, numbers_do_not_run_together);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
