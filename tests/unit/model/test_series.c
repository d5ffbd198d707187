#include "model/series.h"

#include "../unit.h"

START_TEST(times_in_names)
{
    static const struct {
        const char *name, *key, *when; /* NULL: no time */
    } rows[] = {{"churn_20240115", "churn_\1", "20240115"},
                {"churn_20240115_103000", "churn_\1", "20240115103000"},
                {"churn-2024-01-15T10.30.00.000Z", "churn-\1", "20240115103000000"},
                {"a/2024-01-15/model", "a/\1/model", "20240115"},
                {"a_2024_01_15/b_20240116", "a_\1/b_\1", "2024011520240116"},
                {"x/1481135727591", "x/\1", "1481135727591"},
                {"x2024-01-15 10:30", "x\1", "202401151030"},
                {"churn_20241315", "churn_20241315", NULL},
                {"churn_20240115_final", NULL, NULL},
                {"churn_2024-01_15", NULL, NULL},
                {"v120240115", NULL, NULL},
                {"churn_v3", NULL, NULL},
                {"x/1700000000", "x/\1", "1700000000"},
                {"x/20240115103000", "x/\1", "20240115103000"},
                {"store_0000000101", NULL, NULL},
                {"store_4500000101", NULL, NULL},
                {"store_17000000001", NULL, NULL},
                {"store_99999999999999999999", NULL, NULL},
                {"", NULL, NULL}};
    char key[64], when[64];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool found = series_split(rows[i].name, key, when, sizeof key);
        ck_assert_msg(found == (rows[i].when != NULL), "%s", rows[i].name);
        ck_assert_msg(!found || (strcmp(key, rows[i].key) == 0 && strcmp(when, rows[i].when) == 0), "%s: %s %s", rows[i].name, key, when);
    }
    ck_assert(!series_split("a name that does not fit_20240115", key, when, 20));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/series");
    TCase *tc = tcase_create("series");
    tcase_add_test(tc, times_in_names);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
