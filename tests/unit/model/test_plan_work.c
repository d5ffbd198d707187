#include "../plan_unit.h"

#include <time.h>

/* --- the journal ------------------------------------------------------------------------------------------------------------- */

static void journal_says(uint32_t index, char content)
{
    Digest digest = digest_of(content);
    ck_ok(model_set_content(&list.items[index], &digest, NULL, &err));
}

START_TEST(the_journal_is_believed_where_the_store_agrees)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("b.joblib", "b", VERSION_AUTO);
    add("c_v2.joblib", "c", 2);
    add("d_v2.joblib", "d", 2);
    add("e.joblib", "e", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    for (uint32_t i = 0; i < 4; i++)
        journal_says(i, 'x');
    stored("a", 4, 'x');
    stored("b", 4, 'y'); /* the store has other content */
    stored("c", 2, 'x');
    stored("d", 1, 'x'); /* this content, but not under that version */
    stored("e", 1, 'x'); /* the journal says nothing */
    ck_ok(plan_settle(plan, &err));
    expect(&list.items[0], MODEL_UNCHANGED, 4, NULL);
    expect(&list.items[2], MODEL_UNCHANGED, 2, NULL);
    ck_assert_uint_eq(plan_work_count(plan), 3);
    ck_assert_uint_eq(plan_work_bytes(plan), 300);
    for (uint32_t i = 1; i < 5; i += i == 1 ? 2 : 1) {
        expect(&list.items[i], MODEL_PENDING, i == 3 ? 2 : VERSION_AUTO, NULL);
        ck_assert(!list.items[i].has_content);
    }
    end();
}
END_TEST

START_TEST(a_journal_without_members_does_not_prove_a_row_with_them)
{
    add_as(MODEL_DIRECTORY, "a", "a", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "b", "b", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    journal_says(0, 'x');
    journal_says(1, 'x');
    store_members("a", 1, 'x', 'm');
    store_as('t', "b", 1, 'x');
    ck_ok(plan_settle(plan, &err));
    expect(&list.items[0], MODEL_PENDING, VERSION_AUTO, NULL);
    expect(&list.items[1], MODEL_UNCHANGED, 1, NULL);
    end();
}
END_TEST

START_TEST(work_is_largest_first_and_only_what_is_to_be_read)
{
    static const uint64_t sizes[] = {10, 500, 10, 300, 1};
    static const char *const names[] = {"a", "b", "c", "d", "d"};
    for (uint32_t i = 0; i < 5; i++) {
        char path[20];
        snprintf(path, sizeof path, "%u.joblib", i);
        Model *model = add_as(MODEL_FILE, path, names[i], i == 4 ? 9 : VERSION_AUTO);
        model->stamp.size = sizes[i];
    }
    add("bad.joblib", "bad", VERSION_AUTO);
    model_refuse(&list.items[5], MODEL_FAILED, "bad.joblib: is empty");
    begin(CHANGE_NEW_VERSION);
    ck_ok(plan_settle(plan, &err));
    ck_assert_uint_eq(plan_work_count(plan), 4);
    ck_assert_uint_eq(plan_work_bytes(plan), 821);
    static const uint32_t order[] = {1, 4, 0, 2}; /* of "d" the explicit version comes first */
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(plan_first(plan, plan_work_group(plan, i)), order[i]);
    ck_assert_uint_eq(list.items[4].next, 3);
    end();
}
END_TEST

/* --- asking again ------------------------------------------------------------------------------------------------------------ */

START_TEST(versions_are_forgotten_and_learned_again)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 1, 'x');
    stored("a", 2, 'y');
    uint32_t group = group_of(0);
    plan_forget_versions(plan, group);
    expect(decide(0, 'y'), MODEL_NEW, 1, NULL);
    plan_forget_versions(plan, group);
    list.items[0].version = VERSION_AUTO;
    stored("a", 3, 'z'); /* another writer was faster */
    expect(decide(0, 'y'), MODEL_NEW, 4, NULL);
    end();
}
END_TEST

START_TEST(an_empty_tree_and_one_without_pending_models)
{
    begin(CHANGE_NEW_VERSION);
    stored("a", 1, 'x');
    ck_ok(plan_settle(plan, &err));
    ck_assert_uint_eq(plan_work_count(plan), 0);
    end();
    add("a.joblib", "a", VERSION_AUTO);
    model_refuse(&list.items[0], MODEL_SKIPPED, "a.joblib: symbolic link");
    begin(CHANGE_NEW_VERSION);
    ck_ok(plan_settle(plan, &err));
    ck_assert_uint_eq(plan_work_count(plan), 0);
    end();
}
END_TEST

/* --- many -------------------------------------------------------------------------------------------------------------------- */

#define MANY 300000

/* Of this process: what else runs on the machine does not count. */
static double processor_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Both in an order that is not that of the numbers. */
static double seconds_for(int count)
{
    char path[40];
    double start = processor_seconds();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "a_v%d.joblib", i);
        add(path, "a", (int32_t)((int64_t)i * 7919 % count));
    }
    begin(CHANGE_NEW_VERSION);
    for (int i = count - 1; i >= 0; i--) {
        int32_t number = (int32_t)((int64_t)i * 104729 % count);
        stored("a", number, (char)(number % 127));
    }
    for (int i = 0; i < count; i++)
        journal_says((uint32_t)i, (char)(list.items[i].version % 127));
    ck_ok(plan_settle(plan, &err));
    ck_assert_uint_eq(plan_work_count(plan), 0);
    int32_t last = -1;
    for (uint32_t i = plan_first(plan, 0); i != UINT32_MAX; i = list.items[i].next) {
        if (list.items[i].version != last + 1)
            ck_abort_msg("version %d behind %d", (int)list.items[i].version, (int)last);
        last = list.items[i].version;
    }
    ck_assert_int_eq(last, count - 1);
    end();
    return processor_seconds() - start;
}

/* With a step for each pair this would take minutes. */
START_TEST(a_name_of_many_versions_takes_no_longer_than_many_names)
{
    double seconds = seconds_for(MANY);
    ck_assert_msg(seconds < 20, "%.1f s", seconds);
}
END_TEST

START_TEST(many_twins)
{
    char path[40];
    double start = processor_seconds();
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof path, "%06d.joblib", i);
        add(path, "a", VERSION_AUTO);
    }
    begin(CHANGE_NEW_VERSION);
    for (uint32_t i = 0; i < MANY; i++)
        if (list.items[i].state != MODEL_CONFLICT)
            ck_abort_msg("%s is no conflict", list.items[i].path);
    ck_assert(processor_seconds() - start < 20);
    end();
}
END_TEST

static bool ignore_group(void *ctx, uint32_t group, Err *error)
{
    (void)ctx, (void)group, (void)error;
    return true;
}

/* Folders that look like versions of one name: every third is stored as such, the others go back to their own names. */
START_TEST(many_folders_that_are_no_versions)
{
    char path[40];
    const int count = 20000;
    double start = processor_seconds();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "n/%06d/model.joblib", i);
        add(path, "n", i);
        list.items[i].has_earlier = true;
        list.items[i].suffix_len = 7;
    }
    begin(CHANGE_NEW_VERSION);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "n/%06d/model.joblib", i);
        stored_from(i % 3 == 0 ? path : "n.joblib", "n", i, 'x');
    }
    ck_ok(plan_use_stored_keys(plan, ignore_group, NULL, &err));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "n/%06d/model", i);
        ck_assert_str_eq(list.items[i].name, i % 3 == 0 ? "n" : path);
        ck_assert_int_eq(list.items[i].version, i % 3 == 0 ? i : VERSION_AUTO);
        ck_assert_int_eq(list.items[i].state, MODEL_PENDING);
    }
    ck_assert_msg(processor_seconds() - start < 3, "%.1f s", processor_seconds() - start);
    end();
}
END_TEST

/* Files that the map names alike once, and that are stored under one name of their own. */
START_TEST(many_sources_that_are_stored_under_one_name)
{
    char path[40];
    const int count = 20000;
    double start = processor_seconds();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "m/%06d/model.joblib", i);
        add(path, path, VERSION_AUTO);
        list.items[i].has_earlier = true;
        list.items[i].suffix_len = 7;
    }
    begin(CHANGE_NEW_VERSION);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "m/%06d/model.joblib", i);
        stored_from(path, "m", i, 'x');
    }
    ck_ok(plan_use_stored_keys(plan, ignore_group, NULL, &err));
    for (int i = 0; i < count; i++)
        ck_assert_msg(strcmp(list.items[i].name, "m") == 0 && list.items[i].version == i, "%d: %s", i, list.items[i].name);
    uint32_t at = plan_first(plan, plan_group(plan, "m"));
    for (int i = 0; i < count; i++, at = list.items[at].next)
        ck_assert_int_eq(list.items[at].version, i);
    ck_assert_msg(processor_seconds() - start < 3, "%.1f s", processor_seconds() - start);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/plan, the work");
    TCase *tc = tcase_create("work");
    tcase_add_test(tc, the_journal_is_believed_where_the_store_agrees);
    tcase_add_test(tc, a_journal_without_members_does_not_prove_a_row_with_them);
    tcase_add_test(tc, work_is_largest_first_and_only_what_is_to_be_read);
    tcase_add_test(tc, versions_are_forgotten_and_learned_again);
    tcase_add_test(tc, an_empty_tree_and_one_without_pending_models);
    tcase_add_test(tc, a_name_of_many_versions_takes_no_longer_than_many_names);
    tcase_add_test(tc, many_twins);
    tcase_add_test(tc, many_folders_that_are_no_versions);
    tcase_add_test(tc, many_sources_that_are_stored_under_one_name);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
