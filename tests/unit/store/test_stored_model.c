/* The record of a stored row: a copy outlives what it was copied from. */
#include "store/stored_model.h"
#include "../unit.h"

static Err err;

/* Strings on the stack that a caller may overwrite at any time. */
typedef struct Source {
    char name[16], type[16], event[16], host[16], path[16], run[40];
    StoredModel model;
} Source;

static void fill(Source *source, const char *name, int32_t version)
{
    *source = (Source){.type = "regression", .event = "ev", .host = "h1", .path = "a.joblib", .run = "0198c0de"};
    snprintf(source->name, sizeof source->name, "%s", name);
    source->model = (StoredModel){.name = source->name,
                                  .version = version,
                                  .model_type = source->type,
                                  .event = source->event,
                                  .source_host = source->host,
                                  .source_path = source->path,
                                  .run_id = source->run,
                                  .has_members = true,
                                  .members = {{7}},
                                  .stored_bytes = UINT64_MAX};
}

START_TEST(copy_outlives_its_source)
{
    Source source;
    Arena arena = {0};
    StoredModel copy;
    fill(&source, "one", 3);
    ck_ok(stored_model_copy(&arena, &source.model, NULL, &copy, &err));
    memset(&source, 'x', sizeof source);
    ck_assert_str_eq(copy.name, "one");
    ck_assert_str_eq(copy.model_type, "regression");
    ck_assert_str_eq(copy.event, "ev");
    ck_assert_str_eq(copy.source_host, "h1");
    ck_assert_str_eq(copy.source_path, "a.joblib");
    ck_assert_str_eq(copy.run_id, "0198c0de");
    ck_assert(copy.version == 3 && copy.has_members && copy.members.byte[0] == 7 && copy.stored_bytes == UINT64_MAX);
    arena_free(&arena);
}
END_TEST

START_TEST(no_string_is_null)
{
    Arena arena = {0};
    StoredModel copy, nothing = {0};
    ck_ok(stored_model_copy(&arena, &nothing, NULL, &copy, &err));
    const char *strings[] = {copy.name, copy.model_type, copy.event, copy.source_host, copy.source_path, copy.run_id};
    for (size_t i = 0; i < 6; i++)
        ck_assert_str_eq(strings[i], "");
    ck_assert_uint_eq(arena.bytes, 0);
}
END_TEST

START_TEST(equal_strings_are_shared)
{
    Source source;
    Arena arena = {0};
    StoredModel first, second;
    fill(&source, "one", 1);
    ck_ok(stored_model_copy(&arena, &source.model, NULL, &first, &err));
    fill(&source, "two", 2);
    ck_ok(stored_model_copy(&arena, &source.model, &first, &second, &err));
    ck_assert(second.run_id == first.run_id && second.source_host == first.source_host && second.event == first.event);
    ck_assert_str_eq(second.name, "two");
    ck_assert_str_eq(first.name, "one");
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store/stored_model");
    TCase *tcase = tcase_create("copy");
    tcase_add_test(tcase, copy_outlives_its_source);
    tcase_add_test(tcase, no_string_is_null);
    tcase_add_test(tcase, equal_strings_are_shared);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
