#include "model/left_out.h"

#include <stdio.h>
#include <string.h>

#include "../unit.h"

START_TEST(kinds_of_names)
{
    static const struct {
        const char *path, *pattern;
        bool may;
    } rows[] = {{"a/b.pkl", "*.pkl", true},     {"B.PKL", "*.pkl", true},          {"a.pkl.gz", "*.pkl.gz", true}, {"a.gz", "*.gz", false},
                {"x.csv", "*.csv", false},      {"x.csv.xz", "*.csv.xz", false},   {"README", "", false},          {".pkl", "", false},
                {"a.b/c", "", false},           {"a.", "", false},                 {"a.b c", "", false},           {"a.0123456789ab", "*.0123456789ab", false},
                {"a.0123456789abc", "", false}, {"net.SafeTensors", "*.safetensors", true}};
    char out[32];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(left_out_pattern(out, rows[i].path), rows[i].pattern);
        ck_assert_msg(left_out_may_be_models(out) == rows[i].may, "%s", rows[i].path);
    }
}
END_TEST

START_TEST(counts)
{
    LeftOut out = {.keep_paths = true};
    Err err = {0};
    char path[32];
    for (int i = 0; i < 100; i++) { /* more kinds than are kept apart */
        snprintf(path, sizeof path, "x.a%d", i);
        ck_ok(left_out_file(&out, path, false, &err));
    }
    for (int i = 0; i < 5; i++)
        ck_ok(left_out_hidden(&out, ".git", &err));
    ck_ok(left_out_file(&out, "bert", true, &err));
    ck_ok(left_out_note(&out, &err, "%s %d", "note", 1));
    left_out_sort(&out);
    ck_assert_uint_eq(out.files, 101);
    ck_assert_uint_eq(out.paths.count, 101);
    ck_assert_uint_eq(out.hidden, 5);
    ck_assert_str_eq(out.kinds.items[0].pattern, "other");
    ck_assert_uint_eq(out.kinds.items[0].count, 37);
    ck_assert_str_eq(out.notes.items[0], "note 1");
    left_out_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/left_out");
    TCase *tc = tcase_create("left_out");
    tcase_add_test(tc, kinds_of_names);
    tcase_add_test(tc, counts);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
