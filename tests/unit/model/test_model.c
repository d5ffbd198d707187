#include "model/model.h"

#include "../unit.h"

START_TEST(test_list_keeps_its_own_copies)
{
    Err err = {0};
    ModelList list = {0};
    char path[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof path, "m%d.joblib", i);
        Model *model = model_list_add(&list, path, &err);
        ck_assert_msg(model != NULL, "%s", err.text);
        ck_assert_int_eq(model->version, VERSION_AUTO);
        ck_assert_int_eq(model->state, MODEL_PENDING);
        ck_assert_ptr_null(model->name);
        ck_assert_ptr_null(model->reason);
        ck_assert(!model->has_content && !model->followed_link);
    }
    ck_assert_uint_eq(list.count, 1000);
    ck_assert_str_eq(list.items[0].path, "m0.joblib");
    ck_assert_str_eq(list.items[517].path, "m517.joblib");
    ck_assert_str_eq(list.items[999].path, "m999.joblib");
    model_list_free(&list);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.items);
    model_list_free(&list);
}
END_TEST

START_TEST(test_a_million_models_stay_small)
{
    Err err = {0};
    ModelList list = {0};
    char path[64];
    for (int i = 0; i < 1000000; i++) {
        snprintf(path, sizeof path, "events/event_number_%07d_classifier_binary.joblib", i);
        ck_assert_msg(model_list_add(&list, path, &err) != NULL, "%s", err.text);
    }
    size_t bytes = list.cap * sizeof *list.items + list.arena.bytes;
    ck_assert_msg(bytes / 1000000 < 230, "%zu bytes a model", bytes / 1000000);
    model_list_free(&list);
}
END_TEST

START_TEST(test_reasons_are_printable_and_replaced)
{
    Model model = {.path = "x"};
    Err err = {.cls = ERR_SKIP, .text = "x: is empty", .hint = "train it again"};
    model_fail(&model, MODEL_FAILED, &err);
    ck_assert_int_eq(model.state, MODEL_FAILED);
    ck_assert_str_eq(model.reason, "x: is empty; train it again");
    err.hint[0] = '\0';
    model_fail(&model, MODEL_SKIPPED, &err);
    ck_assert_int_eq(model.state, MODEL_SKIPPED);
    ck_assert_str_eq(model.reason, "x: is empty");
    model_refuse(&model, MODEL_CONFLICT, "%s (and \"%s\")", model.reason, "a\033[2J\n\xff");
    ck_assert_str_eq(model.reason, "x: is empty (and \"a\\x1b[2J\\x0a\\xff\")");
    ck_assert_int_eq(model.state, MODEL_CONFLICT);
    free(model.reason);
}
END_TEST

START_TEST(test_a_long_reason_is_kept_whole)
{
    Model model = {.path = "x"};
    char path[4000];
    memset(path, '\x01', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    model_refuse(&model, MODEL_FAILED, "%s: is empty", path);
    ck_assert_uint_eq(strlen(model.reason), 4 * (sizeof path - 1) + strlen(": is empty"));
    ck_assert_ptr_nonnull(strstr(model.reason, ": is empty"));
    free(model.reason);
}
END_TEST

START_TEST(test_names_of_types_and_states)
{
    static const char *const types[] = {"unknown", "bertopic", "mlflow", "tensorflow", "sentence-transformers", "transformers"};
    static const char *const states[] = {"pending", "unchanged", "new", "conflict", "failed", "skipped"};
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_str_eq(model_dir_type_name((DirType)i), types[i]);
        ck_assert_str_eq(model_state_name((ModelState)i), states[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/model");
    TCase *tc = tcase_create("model");
    tcase_add_test(tc, test_list_keeps_its_own_copies);
    tcase_add_test(tc, test_a_million_models_stay_small);
    tcase_add_test(tc, test_reasons_are_printable_and_replaced);
    tcase_add_test(tc, test_a_long_reason_is_kept_whole);
    tcase_add_test(tc, test_names_of_types_and_states);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
