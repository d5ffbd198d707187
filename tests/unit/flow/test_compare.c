/* What the tree, the journal and the store know, put together: which sources are read, and which are not. */
#include "fake_store.h"

#include "base/clock.h"
#include "base/interrupt.h"

static void make_tree(void)
{
    setup();
    source("a.joblib", "one");
    source("b_v3.joblib", "two");
}

/* So long that a change after the read shows in the time: the journal believes no younger file. */
static void let_time_pass(void)
{
    clock_sleep(0.05);
}

static void first_run(void)
{
    let_time_pass();
    ck_ok(run());
    ck_assert_uint_eq(summary.new_count, 2);
    ck_assert_uint_eq(summary.read_count, 2);
}

static void second_run(uint64_t read, uint64_t unchanged)
{
    ck_ok(run());
    ck_assert_msg(summary.read_count == read && summary.unchanged_count == unchanged, "%u read, %u unchanged",
                  (unsigned)summary.read_count, (unsigned)summary.unchanged_count);
}

START_TEST(an_unchanged_tree_is_not_read)
{
    first_run();
    unsigned commits = fake.commits;
    second_run(0, 2);
    ck_assert_uint_eq(fake.commits, commits);
    ck_assert_str_eq(summary.backup, "");
}
END_TEST

START_TEST(a_touched_file_is_read_once)
{
    first_run();
    source("a.joblib", "one");
    let_time_pass();
    second_run(1, 2);
    second_run(0, 2);
}
END_TEST

START_TEST(checksum_reads_all)
{
    first_run();
    settings.checksum = true;
    second_run(2, 2);
}
END_TEST

START_TEST(without_a_journal_all_is_read_and_nothing_stored)
{
    char command[500];
    first_run();
    snprintf(command, sizeof command, "rm '%s/fake/journal'", settings.state_dir);
    ck_assert_int_eq(system(command), 0);
    second_run(2, 2);
    ck_assert_uint_eq(fake.rows.count, 2);
}
END_TEST

START_TEST(a_row_that_the_store_lost_is_stored_again)
{
    first_run();
    fake.rows.count = 0;
    ck_ok(run());
    ck_assert_uint_eq(summary.new_count, 2);
    ck_assert_str_eq(rows(), "a@1 b@3");
}
END_TEST

START_TEST(a_row_whose_content_is_another_one_by_now)
{
    first_run();
    fake_find_row("a", 1)->content.byte[0] ^= 1;
    fake_find_row("b", 3)->content.byte[0] ^= 1;
    ck_ok(run());
    expect("a.joblib", MODEL_NEW, 2, NULL);
    expect("b_v3.joblib", MODEL_CONFLICT, 3, "is stored with other content");
}
END_TEST

START_TEST(a_file_whose_name_is_stored_as_a_directory)
{
    first_run();
    fake_find_row("a", 1)->is_tar = true;
    ck_ok(run());
    expect("a.joblib", MODEL_CONFLICT, VERSION_AUTO, "is a file, and a@1 is stored as a directory");
}
END_TEST

START_TEST(a_dry_run_writes_nothing)
{
    settings.dry_run = true;
    let_time_pass();
    ck_ok(run());
    expect("a.joblib", MODEL_NEW, 1, NULL);
    expect("b_v3.joblib", MODEL_NEW, 3, NULL);
    ck_assert_uint_eq(fake.rows.count, 0);
    ck_assert_uint_eq(fake.commits, 0);
    ck_assert_int_ne(access(settings.state_dir, F_OK), 0);
}
END_TEST

START_TEST(a_dry_run_believes_the_journal_too)
{
    first_run();
    settings.dry_run = true;
    second_run(0, 2);
}
END_TEST

START_TEST(a_signal_ends_it_before_anything_is_stored)
{
    interrupt_set(15);
    ck_fails(run(), ERR_INTERRUPTED, "signal 15");
    ck_assert_int_eq(summary.exit_code, 143);
    ck_assert_uint_eq(fake.rows.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("flow/run/compare");
    TCase *tc = tcase_create("compare");
    tcase_add_checked_fixture(tc, make_tree, teardown);
    tcase_add_test(tc, an_unchanged_tree_is_not_read);
    tcase_add_test(tc, a_touched_file_is_read_once);
    tcase_add_test(tc, checksum_reads_all);
    tcase_add_test(tc, without_a_journal_all_is_read_and_nothing_stored);
    tcase_add_test(tc, a_row_that_the_store_lost_is_stored_again);
    tcase_add_test(tc, a_row_whose_content_is_another_one_by_now);
    tcase_add_test(tc, a_file_whose_name_is_stored_as_a_directory);
    tcase_add_test(tc, a_dry_run_writes_nothing);
    tcase_add_test(tc, a_dry_run_believes_the_journal_too);
    tcase_add_test(tc, a_signal_ends_it_before_anything_is_stored);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
