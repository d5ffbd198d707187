#include "../plan_unit.h"

/* Keys that an earlier version of the program gave go on for the content that the store has under them. */
START_TEST(content_under_an_earlier_key)
{
    for (int with_journal = 0; with_journal < 2; with_journal++) {
        add("churn/3/model.joblib", "churn", 3);
        add("mobilenet_v3.joblib", "mobilenet_v3", VERSION_AUTO);
        add("e5-v2.joblib", "e5-v2", VERSION_AUTO);
        for (uint32_t i = 0; i < 3; i++) {
            list.items[i].has_earlier = true;
            list.items[i].suffix_len = 7;
        }
        if (with_journal)
            for (uint32_t i = 0; i < 3; i++) {
                Digest digest = digest_of((char)('x' + i));
                ck_ok(model_set_content(&list.items[i], &digest, NULL, &err));
            }
        begin(CHANGE_NEW_VERSION);
        stored("churn/3/model", 1, 'x');
        stored("mobilenet", 3, 'y');
        stored("e5", 2, '?'); /* other content: it is a new name now */
        ck_ok(plan_settle(plan, &err));
        ck_assert_uint_eq(plan_work_count(plan), with_journal ? 1 : 3);
        if (!with_journal) {
            decide(0, 'x');
            decide(1, 'y');
        }
        expect(&list.items[0], MODEL_UNCHANGED, 1, NULL);
        ck_assert_str_eq(list.items[0].name, "churn/3/model");
        expect(&list.items[1], MODEL_UNCHANGED, 3, NULL);
        ck_assert_str_eq(list.items[1].name, "mobilenet");
        expect(decide(2, 'z'), MODEL_NEW, 1, NULL);
        ck_assert_str_eq(list.items[2].name, "e5-v2");
        end();
    }
}
END_TEST

START_TEST(the_key_of_today_wins)
{
    add("churn/3/model.joblib", "churn", 3);
    list.items[0].has_earlier = true;
    list.items[0].suffix_len = 7;
    begin(CHANGE_NEW_VERSION);
    stored("churn/3/model", 1, 'x');
    stored("churn", 3, 'x');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 3, NULL);
    ck_assert_str_eq(list.items[0].name, "churn");
    end();
}
END_TEST

START_TEST(names_of_the_map_are_versions)
{
    static const char *const paths[] = {"b.joblib", "a.joblib", "c.joblib"};
    for (int i = 0; i < 3; i++) {
        add(paths[i], "churn", VERSION_AUTO);
        list.items[i].named_by_map = true;
        list.items[i].stamp.mtime_ns = 3 - i; /* c is the oldest */
    }
    begin(CHANGE_NEW_VERSION);
    uint32_t group = group_of(0), order[3], count = 0;
    for (uint32_t i = plan_first(plan, group); i != UINT32_MAX; i = list.items[i].next)
        order[count++] = i;
    ck_assert(count == 3 && order[0] == 2 && order[1] == 1 && order[2] == 0);
    expect(decide(2, 'x'), MODEL_NEW, 1, NULL);
    expect(decide(1, 'y'), MODEL_NEW, 2, NULL);
    expect(decide(0, 'z'), MODEL_NEW, 3, NULL);
    ck_assert(list.items[2].inactive && list.items[1].inactive && !list.items[0].inactive);
    end();
}
END_TEST

START_TEST(the_unversioned_one_of_a_series)
{
    for (int younger = 0; younger < 2; younger++) {
        add("last.ckpt", "last", VERSION_AUTO);
        add("last-v2.ckpt", "last", 2);
        list.items[0].stamp.mtime_ns = younger ? 20 : 5;
        list.items[1].stamp.mtime_ns = 10;
        begin(CHANGE_NEW_VERSION);
        expect(decide(1, 'y'), MODEL_NEW, 2, NULL);
        expect(decide(0, 'x'), MODEL_NEW, 3, NULL);
        ck_assert_int_eq(list.items[0].inactive, !younger);
        end();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/plan earlier");
    TCase *tc = tcase_create("earlier");
    tcase_add_test(tc, content_under_an_earlier_key);
    tcase_add_test(tc, the_key_of_today_wins);
    tcase_add_test(tc, names_of_the_map_are_versions);
    tcase_add_test(tc, the_unversioned_one_of_a_series);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
