#include "base/glob.h"

#include <fnmatch.h>
#include <locale.h>

#include "../unit.h"
#include "base/text.h"

typedef struct Row {
    const char *pattern, *text;
    bool matches;
} Row;

static void check(const Row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(glob_match(rows[i].pattern, rows[i].text) == rows[i].matches, "%s and %s", rows[i].pattern, rows[i].text);
}

#define CHECK(...) \
    do { \
        const Row rows_[] = {__VA_ARGS__}; \
        check(rows_, sizeof rows_ / sizeof *rows_); \
    } while (0)

START_TEST(plain_patterns)
{
    CHECK({"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"*", "", true}, {"*", "a/b", true},
          {"*.joblib", "x/a.joblib", true}, {"*.joblib", "a.joblib.tmp", false}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "aXbYbZ", false},
          {"?", "", false}, {"?", "a", true}, {"?", "/", true}, {"??", "a", false}, {"**", "abc", true}, {"*a", "ba", true}, {"\\*", "*", true},
          {"\\*", "a", false}, {"a\\", "a\\", false});
}
END_TEST

START_TEST(sets)
{
    CHECK({"[abc]", "b", true}, {"[abc]", "d", false}, {"[a-c]x", "bx", true}, {"[!a-c]", "b", false}, {"[^a-c]", "d", true}, {"[]a]", "]", true},
          {"[!]a]", "]", false}, {"[a-]", "-", true}, {"[-a]", "-", true}, {"[[:digit:]]*", "7x", true}, {"[[:digit:]]", "x", false},
          {"[![:alpha:]_]", "_", false}, {"[abc", "[abc", true}, {"[", "[", true}, {"[a", "a", false}, {"[\\]]", "]", true}, {"[a-c", "b", false},
          {"x[0-9]y", "x5y", true}, {"[[:nonsense:]]", "n", false});
}
END_TEST

START_TEST(characters_are_counted)
{
    CHECK({"?", "ä", true}, {"??", "ä", false}, {"???", "äöü", true}, {"v?", "v\xe2\x82\xac", true}, {"?", "\xf0\x9f\x98\x80", true}, {"[äöü]", "ö", true},
          {"[!a]", "ö", true}, {"[à-ÿ]", "é", true}, {"[à-ÿ]", "e", false}, {"*é", "caf\xc3\xa9", true}, {"caf?.joblib", "café.joblib", true},
          {"模?", "模型", true}, {"\\ä", "ä", true});
}
END_TEST

START_TEST(bytes_that_are_not_utf8)
{
    CHECK({"?", "\xff", true}, {"?", "\xc3", true}, {"??", "\xc3(", true}, {"\xff", "\xff", true}, {"\xff", "\xfe", false}, {"*", "\xff\xfe", true},
          {"?", "\xe2\x82", false}, {"??", "\xe2\x82", true}, {"[!a]", "\xff", true}, {"[\xfe-\xff]", "\xff", true}, {"[a-z]", "\xff", false});
}
END_TEST

/* The locale of the process changes nothing. */
START_TEST(any_locale)
{
    static const char *const names[] = {"C", "C.UTF-8", "POSIX"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL)
            CHECK({"?", "ä", true}, {"??", "ä", false});
    }
    setlocale(LC_ALL, "C");
}
END_TEST

/* For ASCII it is what fnmatch does. */
START_TEST(same_as_fnmatch)
{
    static const char letters[] = "ab-]![*?\\^/";
    unsigned seed = 1;
    for (unsigned i = 0; i < 300000; i++) {
        char pattern[8], text[8];
        size_t pattern_len = (size_t)(rand_r(&seed) % 7), text_len = (size_t)(rand_r(&seed) % 6);
        for (size_t k = 0; k < pattern_len; k++)
            pattern[k] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        for (size_t k = 0; k < text_len; k++)
            text[k] = letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        pattern[pattern_len] = text[text_len] = '\0';
        bool expected = fnmatch(pattern, text, 0) == 0;
        ck_assert_msg(glob_match(pattern, text) == expected, "%s and %s: fnmatch says %d", pattern, text, expected);
    }
}
END_TEST

START_TEST(many_stars_do_not_explode)
{
    char text[2001], pattern[401];
    memset(text, 'a', 2000);
    text[2000] = '\0';
    for (size_t i = 0; i < 400; i += 2)
        memcpy(pattern + i, "*a", 2);
    memcpy(pattern + 398, "*b", 3);
    ck_assert(!glob_match(pattern, text));
}
END_TEST

START_TEST(a_path_or_its_last_component)
{
    ck_assert(glob_path("*.joblib", "a/b/c.joblib"));
    ck_assert(glob_path("c.*", "a/b/c.joblib"));
    ck_assert(!glob_path("b", "a/b/c.joblib"));
    ck_assert(glob_path("a/*/c.joblib", "a/b/c.joblib"));
    ck_assert(!glob_path("b/c.joblib", "a/b/c.joblib"));
    ck_assert(glob_path("bertopic_model_*", "bertopic_model_0a1b2c3d"));
    ck_assert(!glob_path("*.joblib", "c.joblib.bak"));
    ck_assert(glob_path("caf?_model.joblib", "eu/café_model.joblib"));
    ck_assert(!glob_path("caf??_model.joblib", "eu/café_model.joblib"));
    ck_assert(glob_path("eu/*", "eu/a/b.joblib"));
    ck_assert(!glob_path("x/a*", "eu/x/a.joblib"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("glob");
    TCase *tests = tcase_create("glob");
    tcase_add_test(tests, plain_patterns);
    tcase_add_test(tests, sets);
    tcase_add_test(tests, characters_are_counted);
    tcase_add_test(tests, bytes_that_are_not_utf8);
    tcase_add_test(tests, any_locale);
    tcase_add_test(tests, same_as_fnmatch);
    tcase_add_test(tests, many_stars_do_not_explode);
    tcase_add_test(tests, a_path_or_its_last_component);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
