#include "../plan_unit.h"

/* --- the version of one source ----------------------------------------------------------------------------------------------- */

START_TEST(a_new_name_is_version_1)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("b", 7, 'x'); /* a name that the tree does not have */
    expect(decide(0, 'x'), MODEL_NEW, 1, NULL);
    end();
}
END_TEST

START_TEST(the_same_content_is_the_version_that_has_it)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 3, 'x');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 3, NULL);
    end();
}
END_TEST

START_TEST(of_equal_versions_the_newest_counts)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 5, 'x');
    stored("a", 2, 'x');
    stored("a", 4, 'y');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 5, NULL);
    end();
}
END_TEST

START_TEST(other_content_is_the_next_version)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 9, 'x');
    stored("a", 2, 'y');
    expect(decide(0, 'z'), MODEL_NEW, 10, NULL);
    end();
}
END_TEST

START_TEST(older_content_is_unchanged_and_may_return)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 1, 'x');
    stored("a", 2, 'y');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL);
    ck_assert(list.items[0].is_older && list.items[0].may_return);
    end();
}
END_TEST

/* Not the highest version may be live. New versions of a name that is held do not go live. */
START_TEST(names_with_a_record_may_return)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("b.joblib", "b", VERSION_AUTO);
    add("c.joblib", "c", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", 1, 'x');
    stored("b", 1, 'x');
    stored("c", 1, 'x');
    plan_note(plan, "a", PLAN_RECORDED);
    plan_note(plan, "c", PLAN_HELD);
    plan_note(plan, "nobody", PLAN_HELD);
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL);
    ck_assert(list.items[0].may_return && !list.items[0].is_older);
    expect(decide(1, 'x'), MODEL_UNCHANGED, 1, NULL);
    ck_assert(!list.items[1].may_return);
    expect(decide(2, 'y'), MODEL_NEW, 2, NULL);
    ck_assert(list.items[2].is_held && list.items[2].inactive);
    end();
}
END_TEST

START_TEST(version_0_and_rows_below_it_do_not_lower_the_next)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", -5, 'x');
    stored("a", 0, 'y');
    expect(decide(0, 'z'), MODEL_NEW, 1, NULL);
    end();
}
END_TEST

START_TEST(no_version_is_left)
{
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    stored("a", INT32_MAX, 'x');
    expect(decide(0, 'y'), MODEL_FAILED, VERSION_AUTO, "no version is left after 2147483647");
    end();
}
END_TEST

START_TEST(on_change)
{
    for (int with_row = 0; with_row < 2; with_row++) {
        for (int i = 0; i < 2; i++) {
            add("a.joblib", "a", VERSION_AUTO);
            begin(i == 0 ? CHANGE_SKIP : CHANGE_FAIL);
            if (with_row)
                stored("a", 1, 'x');
            const Model *model = decide(0, 'y');
            if (!with_row) /* a new name is no change */
                expect(model, MODEL_NEW, 1, NULL);
            else if (i == 0)
                expect(model, MODEL_SKIPPED, VERSION_AUTO, "a.joblib: its content changed; changed sources are to be skipped");
            else
                expect(model, MODEL_CONFLICT, VERSION_AUTO, "a.joblib: its content changed; changed sources are to be refused");
            end();
        }
    }
}
END_TEST

START_TEST(on_change_is_not_asked_where_nothing_changed)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("b_v2.joblib", "b", 2);
    begin(CHANGE_FAIL);
    stored("a", 1, 'x');
    stored("b", 1, 'y');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL);
    expect(decide(1, 'z'), MODEL_NEW, 2, NULL); /* somebody chose this version */
    end();
}
END_TEST

/* --- explicit versions ------------------------------------------------------------------------------------------------------- */

START_TEST(an_explicit_version_is_taken)
{
    add("a_v0.joblib", "a", 0);
    add("a_v7.joblib", "a", 7);
    begin(CHANGE_NEW_VERSION);
    stored("a", 3, 'x');
    expect(decide(0, 'x'), MODEL_NEW, 0, NULL); /* though another version has this content */
    expect(decide(1, 'y'), MODEL_NEW, 7, NULL);
    end();
}
END_TEST

START_TEST(an_explicit_version_that_is_stored)
{
    add("a_v3.joblib", "a", 3);
    add("a_v4.joblib", "a", 4);
    begin(CHANGE_NEW_VERSION);
    stored("a", 3, 'x');
    stored("a", 4, 'y');
    stored("a", 5, 'z');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 3, NULL);
    expect(decide(1, 'x'), MODEL_CONFLICT, 4, "a_v4.joblib: a@4 is stored with other content (this file has sha256 787878787878");
    end();
}
END_TEST

START_TEST(the_next_version_is_over_what_other_sources_claim)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("a_v20.joblib", "a", 20);
    begin(CHANGE_NEW_VERSION);
    stored("a", 4, 'x');
    expect(decide(0, 'y'), MODEL_NEW, 21, NULL); /* also when that source was not read yet, or cannot be */
    end();
}
END_TEST

START_TEST(a_new_name_goes_over_the_claims_too)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("a_v2.joblib", "a", 2);
    begin(CHANGE_NEW_VERSION);
    expect(decide(1, 'x'), MODEL_NEW, 2, NULL);
    expect(decide(0, 'y'), MODEL_NEW, 3, NULL);
    end();
}
END_TEST

START_TEST(what_this_run_stored_counts)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("a_v2.joblib", "a", 2);
    begin(CHANGE_NEW_VERSION);
    expect(decide(1, 'x'), MODEL_NEW, 2, NULL);
    expect(decide(0, 'x'), MODEL_UNCHANGED, 2, NULL);
    end();
}
END_TEST

START_TEST(older_content_beside_a_newer_source_needs_no_word)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("a_v2.joblib", "a", 2);
    begin(CHANGE_NEW_VERSION);
    stored("a", 1, 'x');
    stored("a", 2, 'y');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL); /* readers of the newest get a_v2, which is in the tree */
    end();
}
END_TEST

/* --- twins ------------------------------------------------------------------------------------------------------------------- */

START_TEST(two_sources_without_a_version)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("a.pkl", "a", VERSION_AUTO);
    add("b.pkl", "b", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    expect(&list.items[0], MODEL_CONFLICT, VERSION_AUTO, "a.joblib: has the same name a as a.pkl");
    expect(&list.items[1], MODEL_CONFLICT, VERSION_AUTO, "a.pkl: has the same name a as a.joblib");
    expect(&list.items[2], MODEL_PENDING, VERSION_AUTO, NULL);
    end();
}
END_TEST

START_TEST(three_sources_with_one_key)
{
    add("a_v1.joblib", "a", 1);
    add("a-v1.joblib", "a", 1);
    add("a/1", "a", 1);
    add("a_v2.joblib", "a", 2);
    add("a.joblib", "a", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    expect(&list.items[0], MODEL_CONFLICT, 1, "a_v1.joblib: has the same name and version a@1 as a-v1.joblib");
    expect(&list.items[1], MODEL_CONFLICT, 1, "as a_v1.joblib");
    expect(&list.items[2], MODEL_CONFLICT, 1, "as a_v1.joblib");
    expect(decide(3, 'x'), MODEL_NEW, 2, NULL);
    expect(decide(4, 'y'), MODEL_NEW, 3, NULL);
    end();
}
END_TEST

/* --- kinds ------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_name_keeps_its_kind)
{
    add("a.joblib", "a", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "b", "b", VERSION_AUTO);
    add("c_v2.joblib", "c", 2);
    add("d_v1.joblib", "d", 1);
    begin(CHANGE_NEW_VERSION);
    store_as('t', "a", 3, 'x');
    store_as('f', "b", 1, 'y');
    store_as('t', "c", 1, 'z');
    store_as('t', "d", 1, 'w');
    expect(decide(0, '1'), MODEL_CONFLICT, VERSION_AUTO, "a.joblib: is a file, and a@3 is stored as a directory");
    expect(decide(1, '2'), MODEL_CONFLICT, VERSION_AUTO, "b: is a directory, and b@1 is stored as a file");
    expect(decide(2, '3'), MODEL_CONFLICT, 2, "c_v2.joblib: is a file, and c@1 is stored as a directory");
    expect(decide(3, 'w'), MODEL_CONFLICT, 1, "d_v1.joblib: is a file, and d@1 is stored as a directory"); /* the hash says nothing */
    end();
}
END_TEST

START_TEST(kinds_inside_the_tree)
{
    add_as(MODEL_DIRECTORY, "a/1", "a", 1);
    add("a_v2.joblib", "a", 2);
    begin(CHANGE_NEW_VERSION);
    expect(decide(0, 'x'), MODEL_NEW, 1, NULL);
    expect(decide(1, 'y'), MODEL_CONFLICT, 2, "a_v2.joblib: is a file, and a@1 is stored as a directory");
    end();
}
END_TEST

START_TEST(what_is_stored_already_stays_so_in_a_name_of_both_kinds)
{
    add("a.joblib", "a", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "b", "b", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    store_as('f', "a", 1, 'x');
    store_as('t', "a", 2, 'y');
    store_as('t', "b", 2, 'y');
    store_as('f', "b", 3, 'y');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL);
    expect(decide(1, 'y'), MODEL_UNCHANGED, 2, NULL);
    end();
}
END_TEST

START_TEST(rows_of_other_programs_have_no_kind)
{
    add("a.joblib", "a", VERSION_AUTO);
    add("b.joblib", "b", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "c", "c", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    store_as('?', "a", 1, 'x');
    store_as('?', "b", 1, 'y');
    store_as('?', "c", 1, 'z');
    expect(decide(0, 'x'), MODEL_UNCHANGED, 1, NULL); /* the payload as it is */
    expect(decide(1, 'x'), MODEL_NEW, 2, NULL);
    expect(decide(2, 'z'), MODEL_NEW, 2, NULL); /* a payload whose bytes are the list of a directory's hashes is no directory */
    end();
}
END_TEST

/* --- empty folders and executable bits --------------------------------------------------------------------------------------- */

static const Model *decide_members(uint32_t index, char content, char members)
{
    Digest digest = digest_of(content), more = digest_of(members);
    ck_ok(model_set_content(&list.items[index], &digest, &more, &err));
    plan_decide(plan, group_of(index), &list.items[index]);
    return &list.items[index];
}

START_TEST(members_are_part_of_the_content)
{
    add_as(MODEL_DIRECTORY, "a", "a", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "b", "b", VERSION_AUTO);
    add_as(MODEL_DIRECTORY, "c", "c", VERSION_AUTO);
    begin(CHANGE_NEW_VERSION);
    store_members("a", 1, 'x', 'm');
    store_members("a", 2, 'x', 'n');
    store_members("b", 1, 'x', 'm');
    store_as('t', "c", 1, 'x'); /* of version 0.1.0: not known */
    expect(decide_members(0, 'x', 'n'), MODEL_UNCHANGED, 2, NULL);
    expect(decide_members(1, 'x', 'n'), MODEL_NEW, 2, NULL);
    expect(decide_members(2, 'x', 'n'), MODEL_UNCHANGED, 1, NULL);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("model/plan");
    TCase *tc = tcase_create("plan");
    tcase_add_test(tc, a_new_name_is_version_1);
    tcase_add_test(tc, the_same_content_is_the_version_that_has_it);
    tcase_add_test(tc, of_equal_versions_the_newest_counts);
    tcase_add_test(tc, other_content_is_the_next_version);
    tcase_add_test(tc, older_content_is_unchanged_and_may_return);
    tcase_add_test(tc, names_with_a_record_may_return);
    tcase_add_test(tc, version_0_and_rows_below_it_do_not_lower_the_next);
    tcase_add_test(tc, no_version_is_left);
    tcase_add_test(tc, on_change);
    tcase_add_test(tc, on_change_is_not_asked_where_nothing_changed);
    tcase_add_test(tc, an_explicit_version_is_taken);
    tcase_add_test(tc, an_explicit_version_that_is_stored);
    tcase_add_test(tc, the_next_version_is_over_what_other_sources_claim);
    tcase_add_test(tc, a_new_name_goes_over_the_claims_too);
    tcase_add_test(tc, what_this_run_stored_counts);
    tcase_add_test(tc, older_content_beside_a_newer_source_needs_no_word);
    tcase_add_test(tc, two_sources_without_a_version);
    tcase_add_test(tc, three_sources_with_one_key);
    tcase_add_test(tc, a_name_keeps_its_kind);
    tcase_add_test(tc, kinds_inside_the_tree);
    tcase_add_test(tc, what_is_stored_already_stays_so_in_a_name_of_both_kinds);
    tcase_add_test(tc, rows_of_other_programs_have_no_kind);
    tcase_add_test(tc, members_are_part_of_the_content);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
