/* A run into a store that fails: whatever happens, each model is stored once, or it is said that it is not. */
#include "fake_store.h"

#include "base/clock.h"

#define ALL "a@1 b@1 c@1 d@1"

/* Equal sizes: the work is in the order of the names. */
static void make_four(void)
{
    setup();
    source("a.joblib", "one");
    source("b.joblib", "two");
    source("c.joblib", "thr");
    source("d.joblib", "fou");
    clock_sleep(0.05); /* the journal believes no file that was changed just before it was read */
}

static void all_new(void)
{
    static const char *const paths[] = {"a.joblib", "b.joblib", "c.joblib", "d.joblib"};
    for (size_t i = 0; i < 4; i++)
        expect(paths[i], MODEL_NEW, 1, NULL);
    ck_assert_str_eq(rows(), ALL);
    ck_assert_uint_eq(summary.new_count, 4);
    ck_assert_int_eq(summary.exit_code, 0);
}

/* The same command again finds nothing to do. */
static void again(uint64_t unchanged)
{
    ck_ok(run());
    ck_assert_uint_eq(summary.unchanged_count, unchanged);
    ck_assert_uint_eq(summary.new_count, 0);
}

START_TEST(nothing_fails)
{
    ck_ok(run());
    all_new();
    ck_assert_uint_eq(fake.commits, 1);
    again(4);
    ck_assert_uint_eq(summary.read_count, 0);
}
END_TEST

START_TEST(a_session_dies_in_the_middle_of_a_batch)
{
    fake.bad_name = "c";
    fake.put_class = ERR_RETRY;
    fake.put_fails = 2;
    ck_ok(run());
    all_new();
    ck_assert_uint_ge(fake.opened, 3);
    again(4);
}
END_TEST

START_TEST(one_row_is_refused)
{
    fake.bad_name = "b";
    fake.put_class = ERR_SKIP;
    fake.put_fails = 100;
    ck_ok(run());
    expect("b.joblib", MODEL_FAILED, 1, "b.joblib: this row is refused");
    expect("a.joblib", MODEL_NEW, 1, NULL);
    ck_assert_uint_eq(fake.rows.count, 3);
    ck_assert_ptr_null(strstr(rows(), "b@"));
    ck_assert_int_eq(summary.exit_code, 3);
    fake.put_fails = 0;
    ck_ok(run());
    expect("b.joblib", MODEL_NEW, 1, NULL);
    ck_assert_uint_eq(summary.unchanged_count, 3);
}
END_TEST

START_TEST(every_row_is_refused)
{
    fake.bad_name = "a";
    fake.put_class = ERR_SKIP;
    fake.put_fails = 100;
    char path[600];
    for (char c = 'b'; c <= 'd'; c++) {
        snprintf(path, sizeof path, "%s/%c.joblib", settings.models_dir, c);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_ok(run());
    expect("a.joblib", MODEL_FAILED, 1, "refused");
    ck_assert_uint_eq(fake.rows.count, 0);
    ck_assert_int_eq(summary.exit_code, 3);
}
END_TEST

START_TEST(the_answer_to_commit_is_lost_and_it_was_applied)
{
    fake.commit_fails = 1;
    fake.commit_applies = true;
    ck_ok(run());
    all_new();
    ck_assert_uint_eq(fake.commits, 1);
    again(4);
    ck_assert_uint_eq(summary.read_count, 0); /* the journal knows them */
}
END_TEST

START_TEST(the_answer_to_commit_is_lost_and_it_was_not_applied)
{
    fake.commit_fails = 2;
    ck_ok(run());
    all_new();
    ck_assert_uint_eq(fake.commits, 3);
    again(4);
}
END_TEST

START_TEST(half_a_transaction_is_never_believed)
{
    fake.commit_fails = 1;
    fake.commit_applies = true;
    fake.commit_loses = 1;
    ck_fails(run(), ERR_BUG, "the store has 3 of the 4 rows of one transaction");
    ck_assert_int_eq(summary.exit_code, 1);
}
END_TEST

START_TEST(another_writer_was_faster_with_the_same)
{
    ck_ok(sha256_once("two", 3, &fake.rival.content, &err));
    strcpy(fake.rival.name, "b");
    fake.rival.version = 1;
    ck_ok(run());
    expect("b.joblib", MODEL_UNCHANGED, 1, NULL);
    ck_assert_uint_eq(fake.rows.count, 4);
    ck_assert_uint_eq(summary.new_count, 3);
    again(4);
}
END_TEST

START_TEST(another_writer_was_faster_with_something_else)
{
    strcpy(fake.rival.name, "b");
    fake.rival.version = 1;
    ck_ok(run());
    expect("b.joblib", MODEL_NEW, 2, NULL);
    ck_assert_uint_eq(fake.rows.count, 5);
    again(4);
}
END_TEST

START_TEST(another_writer_was_faster_and_changes_are_not_wanted)
{
    strcpy(fake.rival.name, "b");
    fake.rival.version = 1;
    settings.on_change = CHANGE_FAIL;
    ck_ok(run());
    expect("b.joblib", MODEL_CONFLICT, VERSION_AUTO, "its content changed");
    ck_assert_uint_eq(fake.rows.count, 4);
    ck_assert_int_eq(summary.exit_code, 3);
}
END_TEST

START_TEST(a_conflict_that_nothing_explains_costs_one_model)
{
    fake.bad_name = "c";
    fake.conflict_always = true;
    ck_ok(run());
    expect("c.joblib", MODEL_FAILED, 1, "a key is there");
    ck_assert_uint_eq(fake.rows.count, 3);
    ck_assert_uint_lt(fake.commits, 40);
}
END_TEST

START_TEST(the_store_stays_away)
{
    patience.retries = 1;
    fake.bad_name = "a";
    fake.put_class = ERR_RETRY;
    fake.put_fails = 100;
    ck_fails(run(), ERR_UNREACHABLE, "the server closed the connection");
    ck_assert_int_eq(summary.exit_code, 5);
    ck_assert_uint_eq(fake.rows.count, 0);
    ck_assert_uint_eq(summary.new_count, 0);
    expect("a.joblib", MODEL_PENDING, VERSION_AUTO, NULL);
    fake.put_fails = 0;
    ck_ok(run());
    all_new();
}
END_TEST

START_TEST(the_store_comes_late)
{
    fake.open_fails = 2;
    ck_ok(run());
    all_new();
}
END_TEST

/* The versions of one name stand on each other: what is decided on the word of a row goes with it. */
START_TEST(what_was_decided_by_a_refused_row_is_decided_again)
{
    source("n_v1.joblib", "same content");
    source("n.joblib", "same content");
    fake.bad_name = "n";
    fake.put_class = ERR_SKIP;
    fake.put_fails = 1;
    ck_ok(run());
    const Model *explicit_one = model_of("n_v1.joblib");
    ck_assert(explicit_one->state == MODEL_NEW || explicit_one->state == MODEL_FAILED);
    FakeRow *row = fake_find_row("n", 1);
    if (explicit_one->state == MODEL_NEW)
        ck_assert_ptr_nonnull(row);
    if (model_of("n.joblib")->state == MODEL_UNCHANGED)
        ck_assert_ptr_nonnull(fake_find_row("n", model_of("n.joblib")->version));
}
END_TEST

START_TEST(the_store_has_room_for_one_session_only)
{
    settings.jobs = 4;
    settings.batch_rows = 1;
    fake.full_fails = 1000;
    ck_ok(run());
    ck_assert_uint_eq(summary.new_count, 4);
    ck_assert_uint_eq(fake.rows.count, 4);
}
END_TEST

START_TEST(many_workers_and_a_store_that_fails_now_and_then)
{
    char path[40], content[40];
    for (int i = 0; i < 60; i++) {
        snprintf(path, sizeof path, "m%d.joblib", i);
        snprintf(content, sizeof content, "content %d", i);
        source(path, content);
    }
    settings.jobs = 4;
    settings.batch_rows = 3;
    patience.retries = 20;
    fake.commit_fails = 5;
    fake.commit_applies = true;
    ck_ok(run());
    ck_assert_uint_eq(fake.rows.count, 64);
    ck_assert_uint_eq(summary.new_count, 64);
    again(64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/run/recover");
    TCase *tc = tcase_create("recover");
    tcase_add_checked_fixture(tc, make_four, teardown);
    tcase_add_test(tc, nothing_fails);
    tcase_add_test(tc, a_session_dies_in_the_middle_of_a_batch);
    tcase_add_test(tc, one_row_is_refused);
    tcase_add_test(tc, every_row_is_refused);
    tcase_add_test(tc, the_answer_to_commit_is_lost_and_it_was_applied);
    tcase_add_test(tc, the_answer_to_commit_is_lost_and_it_was_not_applied);
    tcase_add_test(tc, half_a_transaction_is_never_believed);
    tcase_add_test(tc, another_writer_was_faster_with_the_same);
    tcase_add_test(tc, another_writer_was_faster_with_something_else);
    tcase_add_test(tc, another_writer_was_faster_and_changes_are_not_wanted);
    tcase_add_test(tc, a_conflict_that_nothing_explains_costs_one_model);
    tcase_add_test(tc, the_store_stays_away);
    tcase_add_test(tc, the_store_comes_late);
    tcase_add_test(tc, what_was_decided_by_a_refused_row_is_decided_again);
    tcase_add_test(tc, the_store_has_room_for_one_session_only);
    tcase_add_test(tc, many_workers_and_a_store_that_fails_now_and_then);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
