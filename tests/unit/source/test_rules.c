#include "../../../src/source/scan/parts.h"

#include "../unit.h"

#define LIST(...) \
    (const char *const[]) \
    { \
        __VA_ARGS__, NULL \
    }

START_TEST(suffixes)
{
    static const struct {
        const char *pattern, *path;
        int suffix_len; /* -1: no match */
    } rows[] = {{"*.joblib", "a/b.joblib", 7},
                {"*.joblib", "a/b.joblib.old", -1},
                {"*.tar.gz", "b.tar.gz", 7},
                {"*_model.joblib", "b_model.joblib", 7},
                {"final.joblib", "x/final.joblib", 7},
                {"*.joblib", ".joblib", 7},
                {"model", "a/model", 0},
                {"*", "a.b/c", 0},
                {"*", ".hidden", 0},
                {"a/*.pkl", "a/b.pkl", 4},
                {"a/*.pkl", "c/b.pkl", -1},
                {"?.pk[lz]", "b.pkz", 4},
                {"", "b", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const ScanRules rules = {.patterns = LIST(rows[i].pattern)};
        int len = rules_match_file(&rules, rows[i].path);
        ck_assert_msg(len == rows[i].suffix_len, "%s on %s: %d", rows[i].pattern, rows[i].path, len);
    }
    const ScanRules none = {0};
    ck_assert_int_eq(rules_match_file(&none, "a.joblib"), -1);
    ck_assert(!rules_match_directory(&none, "a"));
}
END_TEST

START_TEST(the_first_pattern_that_matches_counts)
{
    const ScanRules rules = {.patterns = LIST("*.gz", "*.tar.gz")};
    ck_assert_int_eq(rules_match_file(&rules, "a.tar.gz"), 3);
}
END_TEST

START_TEST(includes_and_excludes)
{
    const ScanRules all = {0}, some = {.includes = LIST("eu/*", "x.joblib"), .excludes = LIST("*/old_*", "x.joblib")};
    ck_assert(rules_select(&all, "anything"));
    ck_assert(rules_select(&some, "eu/a.joblib"));
    ck_assert(!rules_select(&some, "us/a.joblib"));
    ck_assert(!rules_select(&some, "eu/old_a.joblib"));
    ck_assert(!rules_select(&some, "x.joblib")); /* an exclude wins */
}
END_TEST

START_TEST(excluded_directories)
{
    const ScanRules rules = {.excludes = LIST("old/", "a/b", "tmp*")};
    ck_assert(rules_exclude_directory(&rules, "old"));
    ck_assert(rules_exclude_directory(&rules, "x/old"));
    ck_assert(rules_exclude_directory(&rules, "a/b"));
    ck_assert(rules_exclude_directory(&rules, "tmp1"));
    ck_assert(!rules_exclude_directory(&rules, "older"));
    ck_assert(!rules_exclude_directory(&rules, "b"));
    char long_glob[300];
    memset(long_glob, 'a', sizeof long_glob);
    long_glob[298] = '/';
    long_glob[299] = '\0';
    const ScanRules odd = {.excludes = LIST(long_glob, "/", "")};
    ck_assert(!rules_exclude_directory(&odd, "a"));
}
END_TEST

START_TEST(types_of_directories)
{
    ck_assert_int_eq(rules_dir_type(0, "x/bertopic_model_1"), DIR_BERTOPIC);
    ck_assert_int_eq(rules_dir_type(MARK_TOPIC_PARTS, "a"), DIR_BERTOPIC);
    ck_assert_int_eq(rules_dir_type(MARK_CONFIG | MARK_WEIGHTS, "a"), DIR_TRANSFORMERS);
    ck_assert_int_eq(rules_dir_type(MARK_CONFIG, "a"), DIR_UNKNOWN);
}
END_TEST

START_TEST(patterns_have_no_case)
{
    const ScanRules rules = {.patterns = LIST("*.joblib", "b?_*.PKL", "c/*"), .patterns_asked = 2};
    uint64_t used = 0;
    ck_assert_int_eq(rules_match_file(&rules, "CHURN.JOBLIB"), 7);
    ck_assert_int_eq(rules_match_file(&rules, "x/B1_x.pkl"), 4);
    rules_note_used(&rules, "c/x", &used);
    ck_assert_uint_eq(used, 0); /* the third is not the user's */
    rules_note_used(&rules, "B1_.pkl", &used);
    ck_assert_uint_eq(used, 2);
    rules_note_used(&rules, "a.Joblib", &used);
    ck_assert_uint_eq(used, 3);
}
END_TEST

START_TEST(leftovers)
{
    static const char *const ours[] = {".cleanup-0123456789abcdef", ".a.joblib.restore-0123456789abcdef"};
    static const char *const others[] = {"cleanup-0123456789abcdef",    ".cleanup-0123456789abcdeg", ".cleanup-0123456789abcde",
                                         ".cleanup-0123456789abcdef0",  ".x.cleanup-0123456789abcdef", ".restore-0123456789abcdef",
                                         "a.restore-0123456789abcdef", ".",                         ""};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        ck_assert_msg(rules_leftover_reason(ours[i]) != NULL, "%s", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(rules_leftover_reason(others[i]) == NULL, "%s", others[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/scan/rules");
    TCase *tc = tcase_create("rules");
    tcase_add_test(tc, suffixes);
    tcase_add_test(tc, the_first_pattern_that_matches_counts);
    tcase_add_test(tc, includes_and_excludes);
    tcase_add_test(tc, excluded_directories);
    tcase_add_test(tc, types_of_directories);
    tcase_add_test(tc, patterns_have_no_case);
    tcase_add_test(tc, leftovers);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
