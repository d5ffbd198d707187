#include "base/clock.h"

#include "../unit.h"

START_TEST(times_as_text)
{
    static const struct {
        int64_t ns;
        const char *text;
    } rows[] = {{0, "1970-01-01T00:00:00.000Z"},
                {INT64_C(1772366400123456789), "2026-03-01T12:00:00.123Z"},
                {-1, "1969-12-31T23:59:59.999Z"},
                {INT64_C(-1000000000), "1969-12-31T23:59:59.000Z"},
                {INT64_MAX, "2262-04-11T23:47:16.854Z"},
                {INT64_MIN, "1677-09-21T00:12:43.145Z"}};
    char text[25];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        clock_iso(text, rows[i].ns);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

START_TEST(times_that_no_64_bits_hold)
{
    ck_assert_int_eq(clock_timespec_ns((struct timespec){.tv_sec = 1, .tv_nsec = 2}), 1000000002);
    ck_assert_int_eq(clock_timespec_ns((struct timespec){.tv_sec = -1, .tv_nsec = 999999999}), -1);
    ck_assert(clock_timespec_ns((struct timespec){.tv_sec = INT64_MAX}) == INT64_MAX);
    ck_assert(clock_timespec_ns((struct timespec){.tv_sec = INT64_C(9223372036), .tv_nsec = 999999999}) == INT64_MAX);
    ck_assert(clock_timespec_ns((struct timespec){.tv_sec = INT64_MIN}) == INT64_MIN);
    ck_assert(clock_timespec_ns((struct timespec){.tv_sec = INT64_C(-9223372036)}) == INT64_C(-9223372036000000000));
}
END_TEST

START_TEST(clocks_go_forward)
{
    double before = clock_seconds();
    int64_t real = clock_real_ns();
    clock_sleep(0.02);
    clock_sleep(0);
    clock_sleep(-5);
    ck_assert(clock_seconds() - before >= 0.019);
    ck_assert(clock_seconds() - before < 30);
    ck_assert_int_gt(real, INT64_C(1700000000) * 1000000000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/clock");
    TCase *tc = tcase_create("clock");
    tcase_add_test(tc, times_as_text);
    tcase_add_test(tc, times_that_no_64_bits_hold);
    tcase_add_test(tc, clocks_go_forward);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
