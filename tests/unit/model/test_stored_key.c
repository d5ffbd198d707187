#include "model/stored_key.h"

#include "../unit.h"

static ModelList list;
static StoredKeys keys;
static Err err;

static void add(const char *path, const char *name, bool has_earlier)
{
    Model *model = model_list_add(&list, path, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    model->suffix_len = (uint8_t)strlen(strrchr(path, '.'));
    model->name = name;
    model->has_earlier = has_earlier;
}

static void row(const char *name, int32_t version, const char *path)
{
    ck_ok(stored_keys_add(&keys, &list, NULL, name, version, path, &err));
}

static void end(void)
{
    stored_keys_free(&keys);
    model_list_free(&list);
}

static void expect(size_t i, uint32_t model, const char *name, int32_t version)
{
    ck_assert_uint_lt(i, keys.count);
    ck_assert_uint_eq(keys.items[i].model, model);
    ck_assert_str_eq(keys.items[i].name, name);
    ck_assert_int_eq(keys.items[i].version, version);
}

START_TEST(rows_of_other_sources_say_nothing)
{
    add("a.joblib", "a", false);
    row("a", 1, "a.joblib"); /* where it looks for it */
    row("a", 1, "b.joblib");
    row("other", 1, "a.joblib"); /* by a map that is not there any more */
    row("a.joblib", 1, "");
    stored_keys_resolve(&keys);
    ck_assert_uint_eq(keys.count, 0);
    list.items[0].named_by_map = true;
    row("a.joblib", 1, "a.joblib");
    ck_assert_uint_eq(keys.count, 0);
    end();
}
END_TEST

START_TEST(the_suffix_wins)
{
    add("a.joblib", "a", false);
    add("b_v2.pkl", "b", false);
    add("c/3/model.joblib", "c", true);
    row("a", 7, "a.joblib");
    row("a.joblib", 1, "a.joblib");
    row("b.pkl", 2, "b_v2.pkl");
    row("b.pkl", 3, "b_v2.pkl"); /* not its version */
    row("c/3/model", 4, "c/3/model.joblib");
    stored_keys_resolve(&keys);
    ck_assert_uint_eq(keys.count, 3);
    expect(0, 0, "a.joblib", VERSION_AUTO);
    expect(1, 1, "b.pkl", 2);
    expect(2, 2, "c/3/model", VERSION_AUTO);
    end();
}
END_TEST

START_TEST(the_name_of_today_before_the_earlier_one)
{
    add("c/3/model.joblib", "c", true);
    row("c/3/model", 4, "c/3/model.joblib");
    row("c", 3, "c/3/model.joblib");
    stored_keys_resolve(&keys);
    ck_assert_uint_eq(keys.count, 1);
    expect(0, 0, "c", 3);
    end();
}
END_TEST

START_TEST(the_source_of_the_newest_row_has_the_name)
{
    add("a.joblib", "a.joblib", false);
    add("a.pkl", "a.pkl", false);
    row("a", 1, "a.joblib");
    row("a", 2, "a.pkl");
    stored_keys_resolve(&keys);
    ck_assert_uint_eq(keys.count, 1);
    expect(0, 1, "a", VERSION_AUTO);
    end();
}
END_TEST

START_TEST(plain_names)
{
    ck_assert(stored_key_is_plain("a/b", "a/b.joblib"));
    ck_assert(stored_key_is_plain("a", "a.tar.gz"));
    ck_assert(!stored_key_is_plain("a", "a.v3.joblib"));
    ck_assert(!stored_key_is_plain("a", "a_v3.joblib"));
    ck_assert(!stored_key_is_plain("a", "a/3/model.joblib"));
    ck_assert(!stored_key_is_plain("a", "ab.joblib"));
    ck_assert(!stored_key_is_plain("a", "a./b"));
    ck_assert(!stored_key_is_plain("a", ""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/stored_key");
    TCase *tc = tcase_create("stored_key");
    tcase_add_test(tc, rows_of_other_sources_say_nothing);
    tcase_add_test(tc, the_suffix_wins);
    tcase_add_test(tc, the_name_of_today_before_the_earlier_one);
    tcase_add_test(tc, the_source_of_the_newest_row_has_the_name);
    tcase_add_test(tc, plain_names);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
