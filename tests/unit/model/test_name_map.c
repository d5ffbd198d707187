#include "model/name_map.h"

#include "../unit.h"
#include "model/identify.h"

static char map_path[300];

/* Writes the map file; a literal, so that a NUL can be in it. */
#define write_map(text) write_bytes(text, sizeof(text) - 1)

static void write_bytes(const char *text, size_t len)
{
    snprintf(map_path, sizeof map_path, "%s/map.csv", unit_temp_dir());
    FILE *file = fopen(map_path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void check(const NameMap *map, const char *path, const char *name, int32_t version, const char *model_type,
                  const char *event)
{
    Err err = {0};
    Identity got;
    Model model = {.path = path, .kind = MODEL_FILE, .suffix_len = 7};
    ck_ok(identify(&model, map, &got, &err));
    ck_assert_str_eq(got.name, name);
    ck_assert_int_eq(got.version, version);
    ck_assert_str_eq(got.model_type, model_type);
    ck_assert_str_eq(got.event, event);
}

START_TEST(test_given_values_win_and_empty_ones_are_inferred)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("path,name,version,model_type,event\n"
              "a_model.joblib,churn,7,forest,leaving\n"
              "b_model_v4.joblib,churn_regression,,,\n"
              "c_model_v4.joblib,,9,,\n"
              "d_model_v4.joblib,,,booster,\"\"\n"
              "e_model_v4.joblib,,,,\"why, \"\"you\"\"\"\n"
              "f_model_v4.joblib,,,,\n"
              "g_model.joblib,plain,,,\n");
    ck_ok(name_map_read(map_path, &map, &err));
    check(map, "a_model.joblib", "churn", 7, "forest", "leaving");
    check(map, "b_model_v4.joblib", "churn_regression", 4, "regression", "churn");
    check(map, "c_model_v4.joblib", "c_model", 9, "model", "c");
    check(map, "d_model_v4.joblib", "d_model", 4, "booster", "d");
    check(map, "e_model_v4.joblib", "e_model", 4, "model", "why, \"you\"");
    check(map, "f_model_v4.joblib", "f_model", 4, "model", "f");
    check(map, "g_model.joblib", "plain", VERSION_AUTO, "unknown", "plain");
    check(map, "z_model_v4.joblib", "z_model", 4, "model", "z");
    name_map_free(map);
}
END_TEST

START_TEST(test_columns_in_any_order_and_some_only)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("\xef\xbb\xbf"
              "event,path,version\r\nleaving,a_model.joblib,0\r\n");
    ck_ok(name_map_read(map_path, &map, &err));
    check(map, "a_model.joblib", "a_model", 0, "model", "leaving");
    name_map_free(map);

    write_map("path\nanything");
    ck_ok(name_map_read(map_path, &map, &err));
    ck_assert_ptr_nonnull(name_map_find(map, "anything"));
    name_map_free(map);

    write_map("path,name\n");
    ck_ok(name_map_read(map_path, &map, &err));
    ck_assert_ptr_null(name_map_find(map, "anything"));
    name_map_free(map);
}
END_TEST

static const char *event_for(const NameMap *map, const char *path)
{
    const NameMapRow *row = name_map_find(map, path);
    return row != NULL ? row->event : "none";
}

/* Rows with and without a glob are found in different ways: their order must count all the same. */
START_TEST(test_first_row_wins)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("path,event\n"
              "special.joblib,one\n"
              "s*.joblib,two\n"
              "sun.joblib,three\n"
              "eu/*,four\n"
              "eu/x.joblib,five\n"
              "x.joblib,six\n"
              "us/x.joblib,seven\n"
              "special.joblib,eight\n"
              "[ab]?.joblib,nine\n");
    ck_ok(name_map_read(map_path, &map, &err));
    ck_assert_str_eq(event_for(map, "special.joblib"), "one");
    ck_assert_str_eq(event_for(map, "deep/er/special.joblib"), "one");
    ck_assert_str_eq(event_for(map, "sun.joblib"), "two");
    ck_assert_str_eq(event_for(map, "a/sun.joblib"), "two");
    ck_assert_str_eq(event_for(map, "eu/x.joblib"), "four");
    ck_assert_str_eq(event_for(map, "eu/a/x.joblib"), "four");
    ck_assert_str_eq(event_for(map, "x.joblib"), "six");
    ck_assert_str_eq(event_for(map, "us/x.joblib"), "six");
    ck_assert_str_eq(event_for(map, "a1.joblib"), "nine");
    ck_assert_str_eq(event_for(map, "c1.joblib"), "none");
    ck_assert_str_eq(event_for(map, "un.joblib"), "none");
    name_map_free(map);
}
END_TEST

START_TEST(test_a_bad_path_becomes_storable)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("path,name,version\n"
              "caf?.joblib,cafe_model,\n"
              "big_v9999999999.joblib,,1\n"
              "\"a\nb.joblib\",ab,\n"
              "time_v9999999999.joblib,time,\n"
              "after,x,\n");
    ck_ok(name_map_read(map_path, &map, &err));
    check(map, "caf\xe9.joblib", "cafe_model", VERSION_AUTO, "model", "cafe");
    check(map, "big_v9999999999.joblib", "big", 1, "unknown", "big");
    check(map, "a\nb.joblib", "ab", VERSION_AUTO, "unknown", "ab");
    check(map, "time_v9999999999.joblib", "time", VERSION_AUTO, "unknown", "time"); /* no version can be so large */
    name_map_free(map);
}
END_TEST

START_TEST(test_a_directory_keeps_its_type)
{
    Err err = {0};
    NameMap *map = NULL;
    Identity got;
    Model model = {.path = "runs/7", .kind = MODEL_DIRECTORY, .dir_type = DIR_MLFLOW};
    write_map("path,name\nruns/*,eu/churn_model\n");
    ck_ok(name_map_read(map_path, &map, &err));
    ck_ok(identify(&model, map, &got, &err));
    ck_assert_str_eq(got.name, "eu/churn_model");
    ck_assert_int_eq(got.version, 7);
    ck_assert_str_eq(got.model_type, "mlflow");
    ck_assert_str_eq(got.event, "churn_model");
    name_map_free(map);
}
END_TEST

#define TEN "aaaaaaaaaa"
#define FIFTY TEN TEN TEN TEN TEN
#define TWO_FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY

typedef struct BadMap {
    const char *text;
    const char *row, *reason;
} BadMap;

static const BadMap bad_maps[] = {
    {"", "row 1", "header is missing"},
    {"name,version\n", "row 1", "path is missing"},
    {"path,nmae\n", "row 1", "column \"nmae\" is not known"},
    {"path,Name\n", "row 1", "column \"Name\" is not known"},
    {"path,\n", "row 1", "is not known"},
    {"path,name,path\n", "row 1", "column \"path\" is there twice"},
    {"a_model.joblib,churn\n", "row 1", "is not known"},
    {"path,name\na,b\n,c\n", "row 3", "path is empty"},
    {"path,name\na\n", "row 2", "number of fields"},
    {"path,name\na,b,c\n", "row 2", "number of fields"},
    {"path,version\na,1\nb,x\n", "row 3", "version \"x\" is not a whole number"},
    {"path,version\na,-1\n", "row 2", "version \"-1\" is not"},
    {"path,version\na,+1\n", "row 2", "version \"+1\" is not"},
    {"path,version\na,1.0\n", "row 2", "version \"1.0\" is not"},
    {"path,version\na, 1\n", "row 2", "version \" 1\" is not"},
    {"path,version\na,v1\n", "row 2", "version \"v1\" is not"},
    {"path,version\na,2147483648\n", "row 2", "from 0 to 2147483647"},
    {"path,name\na," TWO_FIFTY "bbbbbb\n", "row 2", "is longer than 255 characters"},
    {"path,event\na," TWO_FIFTY "bbbbbb\n", "row 2", "is longer than 255 characters"},
    {"path,model_type\na," FIFTY "b\n", "row 2", "is longer than 50 characters"},
    {"path,name\na,b\nc,x/../y\n", "row 3", "`.` or `..`"},
    {"path,name\na,/etc\n", "row 2", "empty component"},
    {"path,name\na,\"x\ny\"\n", "row 2", "control character"},
    {"path,event\na,\xff\n", "row 2", "not valid UTF-8"},
    {"path,model_type\na,x\ty\n", "row 2", "control character"},
    {"path,name\na,\"b\n", "row 2", "not CSV"},
    {"path,name\na,b\"c\n", "row 2", "not CSV"},
};

START_TEST(test_bad_maps)
{
    const BadMap *bad = &bad_maps[_i];
    Err err;
    NameMap *map = NULL;
    write_bytes(bad->text, strlen(bad->text));
    ck_fails(name_map_read(map_path, &map, &err), ERR_USAGE, bad->reason);
    ck_assert_msg(strstr(err.text, bad->row) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text, map_path, strlen(map_path)) == 0, "%s", err.text);
    ck_assert_ptr_null(map);
}
END_TEST

START_TEST(test_longest_values_that_fit)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("path,name,model_type,event,version\na.joblib," TWO_FIFTY "bbbbb," FIFTY "," TWO_FIFTY "ccccc,2147483647\n");
    ck_ok(name_map_read(map_path, &map, &err));
    check(map, "a.joblib", TWO_FIFTY "bbbbb", 2147483647, FIFTY, TWO_FIFTY "ccccc");
    name_map_free(map);
}
END_TEST

START_TEST(test_a_nul_is_refused)
{
    Err err;
    NameMap *map = NULL;
    write_map("path,name\na,b\0c\n");
    ck_fails(name_map_read(map_path, &map, &err), ERR_USAGE, "row 2: a field holds a NUL");
}
END_TEST

START_TEST(test_files_that_cannot_be_read)
{
    Err err;
    NameMap *map = NULL;
    ck_fails(name_map_read("/nonexistent/map.csv", &map, &err), ERR_USAGE, "/nonexistent/map.csv: No such file");
    ck_fails(name_map_read(unit_temp_dir(), &map, &err), ERR_USAGE, "Is a directory");
    name_map_free(NULL);
}
END_TEST

START_TEST(test_many_rows)
{
    Err err = {0};
    NameMap *map = NULL;
    char path[64];
    snprintf(map_path, sizeof map_path, "%s/map.csv", unit_temp_dir());
    FILE *file = fopen(map_path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs("path,version\n", file);
    for (int i = 0; i < 50000; i++)
        fprintf(file, "m%d.joblib,%d\n", i, i);
    ck_assert_int_eq(fclose(file), 0);
    ck_ok(name_map_read(map_path, &map, &err));
    for (int i = 0; i < 50000; i++) {
        snprintf(path, sizeof path, "m%d.joblib", i);
        ck_assert_int_eq(name_map_find(map, path)->version, i);
    }
    name_map_free(map);
}
END_TEST

START_TEST(test_templates)
{
    Err err = {0};
    NameMap *map = NULL;
    write_map("path,name\n"
              "legacy/*_final.joblib,{1}_model\n"
              "runs/*/*.joblib,{2}/{1}\n"
              "flat_*.joblib,{dir}/{stem}.{ext}\n"
              "deep/*.joblib,{dir}:{nothing}{9}x\n"
              "none/*.joblib,y\n");
    ck_ok(name_map_read(map_path, &map, &err));
    check(map, "legacy/churn_final.joblib", "churn_model", VERSION_AUTO, "model", "churn");
    check(map, "runs/2024/eu/churn.joblib", "eu/churn/2024", VERSION_AUTO, "unknown", "eu/churn/2024");
    check(map, "flat_a.joblib", "flat_a.joblib", VERSION_AUTO, "unknown", "flat_a.joblib");
    check(map, "deep/a.joblib", "deep:{nothing}x", VERSION_AUTO, "unknown", "deep:{nothing}x");
    size_t next = 0;
    name_map_mark(map, name_map_find(map, "legacy/churn_final.joblib"));
    name_map_mark(map, name_map_find(map, "runs/2024/eu/churn.joblib"));
    name_map_mark(map, name_map_find(map, "flat_a.joblib"));
    ck_assert_str_eq(name_map_unmatched(map, &next)->pattern, "deep/*.joblib");
    ck_assert_str_eq(name_map_unmatched(map, &next)->pattern, "none/*.joblib");
    ck_assert_ptr_null(name_map_unmatched(map, &next));
    name_map_free(map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/name_map");
    TCase *tc = tcase_create("map");
    tcase_add_checked_fixture(tc, NULL, unit_remove_temp);
    tcase_add_test(tc, test_templates);
    tcase_add_test(tc, test_given_values_win_and_empty_ones_are_inferred);
    tcase_add_test(tc, test_columns_in_any_order_and_some_only);
    tcase_add_test(tc, test_first_row_wins);
    tcase_add_test(tc, test_a_bad_path_becomes_storable);
    tcase_add_test(tc, test_a_directory_keeps_its_type);
    tcase_add_loop_test(tc, test_bad_maps, 0, (int)(sizeof bad_maps / sizeof *bad_maps));
    tcase_add_test(tc, test_longest_values_that_fit);
    tcase_add_test(tc, test_a_nul_is_refused);
    tcase_add_test(tc, test_files_that_cannot_be_read);
    tcase_add_test(tc, test_many_rows);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
