#include "../../../src/source/scan/parts.h"

#include "../scan_unit.h"
#include "base/interrupt.h"

static Entries entries;

static void read_it(void)
{
    Err err = {0};
    entries_free(&entries);
    ck_ok(entries_read(root, &entries, &err));
}

static void end(void)
{
    entries_free(&entries);
    teardown();
}

START_TEST(they_sort_as_the_paths_below_them)
{
    static const char *const expected[] = {"a-b.joblib", "a", "a0.joblib", "l", "p"};
    static const char types[] = {'f', 'd', 'f', 'l', 's'};
    put("a/x", "1"); /* as a/, behind a- and before a0 */
    put("a0.joblib", "1");
    put("a-b.joblib", "1");
    put_link("l", "nowhere");
    ck_assert_int_eq(mkfifoat(root, "p", 0600), 0);
    read_it();
    ck_assert_uint_eq(entries.count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(entries.names[i], expected[i]);
        ck_assert_int_eq((char)entry_type(entries.names[i]), types[i]);
    }
}
END_TEST

START_TEST(marks)
{
    static const struct {
        const char *name;
        unsigned mark;
    } rows[] = {{"MLmodel", MARK_MLMODEL},       {"saved_model.pb", MARK_SAVED_MODEL},       {"modules.json", MARK_MODULES},
                {"topics.json", MARK_TOPICS},    {"config.json", MARK_CONFIG},               {"x.safetensors", MARK_WEIGHTS},
                {"y.bin", MARK_OTHER_WEIGHTS},         {"ctfidf_config.json", MARK_TOPIC_PARTS},   {"topic_embeddings.x", MARK_TOPIC_PARTS},
                {"mlmodel", 0},                  {"config.json.old", 0}};
    unsigned all = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put(rows[i].name, "1");
        all |= rows[i].mark;
        read_it();
        ck_assert_msg(entries.marks == all, "%s: %x", rows[i].name, entries.marks);
    }
}
END_TEST

START_TEST(a_directory_of_a_markers_name_is_none)
{
    put_dir("MLmodel");
    put_link("topics.json", "MLmodel"); /* what it leads to is looked at later */
    read_it();
    ck_assert_uint_eq(entries.marks, MARK_TOPICS);
}
END_TEST

START_TEST(nothing_is_nothing)
{
    read_it();
    ck_assert_uint_eq(entries.count, 0);
    ck_assert_ptr_null(entries.names);
}
END_TEST

START_TEST(a_signal_ends_it)
{
    Err err = {0};
    put("f", "1");
    interrupt_set(2);
    ck_fails(entries_read(root, &entries, &err), ERR_INTERRUPTED, "signal 2");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/scan/entries");
    TCase *tc = tcase_create("entries");
    tcase_add_checked_fixture(tc, setup, end);
    tcase_add_test(tc, they_sort_as_the_paths_below_them);
    tcase_add_test(tc, marks);
    tcase_add_test(tc, a_directory_of_a_markers_name_is_none);
    tcase_add_test(tc, nothing_is_nothing);
    tcase_add_test(tc, a_signal_ends_it);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
