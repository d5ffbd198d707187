/* Times as a file of SQLite has them. */
#include "../../../src/store/sqlite/session/value.h"

#include "../unit.h"

START_TEST(times_as_text)
{
    char text[SQLITE_TIME_SIZE];
    static const struct {
        int64_t ns;
        const char *text;
    } times[] = {{0, "1970-01-01 00:00:00.000000"},
                 {INT64_C(1700000000123456789), "2023-11-14 22:13:20.123456"},
                 {-1, "1969-12-31 23:59:59.999999"},
                 {-1500, "1969-12-31 23:59:59.999998"},
                 {INT64_C(951782400000000000), "2000-02-29 00:00:00.000000"},
                 {INT64_MAX, "2262-04-11 23:47:16.854775"},
                 {INT64_MIN, "1677-09-21 00:12:43.145224"}};
    int64_t ns;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        sqlite_time_text(text, times[i].ns);
        ck_assert_str_eq(text, times[i].text);
        bool is_end = i + 2 >= sizeof times / sizeof *times; /* the ends of 64 bits stay the ends */
        ck_assert_int_eq(sqlite_time_ns(text, &ns), !is_end);
        ck_assert_int_eq(is_end ? times[i].ns - ns : (times[i].ns - ns) / 1000, 0);
    }
}
END_TEST

START_TEST(times_of_others)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } times[] = {{"2023-11-14 22:13:20", 1700000000},
                 {"2023-11-14T22:13:20Z", 1700000000},
                 {"2023-11-14T23:13:20+01:00", 1700000000},
                 {"2023-11-14 16:43:20.000-0530", 1700000000},
                 {"2023-11-14", 1699920000},
                 {"2023-11-14 22:13", 1699999980}};
    static const char *const wrong[] = {"",
                                        "now",
                                        "2023",
                                        "2023-13-01",
                                        "2023-11-14 22",
                                        "20231114",
                                        "2023-11-14 22:13:20 UTC",
                                        "2023-11-14x",
                                        "-023-11-14",
                                        "2023-11-14 25:00:00"};
    int64_t ns;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        ck_assert_msg(sqlite_time_ns(times[i].text, &ns) && ns == times[i].seconds * 1000000000, "%s", times[i].text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!sqlite_time_ns(wrong[i], &ns) && ns == 0, "%s", wrong[i]);
    ck_assert(!sqlite_time_ns("9999-12-31 23:59:59", &ns));
    ck_assert_int_eq(ns, INT64_MAX);
    ck_assert(!sqlite_time_ns("0001-01-01 00:00:00", &ns));
    ck_assert_int_eq(ns, INT64_MIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sqlite_value");
    TCase *cases = tcase_create("time");
    tcase_add_test(cases, times_as_text);
    tcase_add_test(cases, times_of_others);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
