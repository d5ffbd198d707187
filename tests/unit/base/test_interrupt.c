#include "base/interrupt.h"

#include "../unit.h"

START_TEST(the_flag)
{
    Err err = {0};
    ck_assert_int_eq(interrupt_signal(), 0);
    ck_ok(interrupt_check(&err));
    interrupt_set(2);
    ck_assert_int_eq(interrupt_signal(), 2);
    ck_fails(interrupt_check(&err), ERR_INTERRUPTED, "interrupted by signal 2");
    ck_assert(!interrupt_check(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/interrupt");
    TCase *tc = tcase_create("interrupt");
    tcase_add_test(tc, the_flag);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
