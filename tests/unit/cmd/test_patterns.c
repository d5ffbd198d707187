#include "../../../src/cmd/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit.h"

/* The patterns that `run` gets from these words, joined by blanks; the user's own ones in brackets. */
static void expect(const char *words, const char *expected)
{
    char copy[512], *argv[20] = {"program"}, text[2048] = "";
    int argc = 1;
    Options options;
    Err err = {0};
    snprintf(copy, sizeof copy, "%s", words);
    for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        argv[argc++] = word;
    ck_ok(options_parse(argc, argv, CMD_BIT(COMMAND_RUN), 0, &options, &err));
    for (size_t i = 0; i < options.pattern.count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, i < options.patterns_asked ? "[%s]" : " %s", options.pattern.items[i]);
    }
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s: %s", words, text);
    options_free(&options);
}

START_TEST(what_is_typed)
{
    expect("", " *.joblib");
    expect("--pattern *.pkl", "[*.pkl]");
    expect("--pattern *.joblib,*.pkl", "[*.joblib][*.pkl]");
    expect("--pattern *.{joblib,pkl}", "[*.joblib][*.pkl]");
    expect("--pattern {a,b}/*.{x,y}", "[a/*.x][a/*.y][b/*.x][b/*.y]");
    expect("--pattern *.{a,{b,c}d}", "[*.a][*.bd][*.cd]");
    expect("--pattern {a,b", "[{a,b]");
    expect("--pattern a{b", "[a{b]");
    expect("--pattern +*.pkl", "[*.pkl] *.joblib");
    expect("--pattern +*.pkl,+*.sav", "[*.pkl][*.sav] *.joblib");
    expect("--pattern +*.pkl --pattern *.x", "[*.pkl][*.x]");
    expect("--pattern ,", " *.joblib");
    expect("--preset sklearn", " *.joblib *.pkl *.pickle *.sav");
    expect("--preset all --pattern +*.mine", "[*.mine] *.joblib");
    expect("--preset sklearn --pattern *.mine", "[*.mine] *.joblib");
}
END_TEST

START_TEST(in_the_environment)
{
    setenv("MIGRATE_MODELS_PATTERN", "*.{a,b},+*.c", 1);
    expect("", "[*.a][*.b][*.c]");
    expect("--pattern x", "[x]");
    setenv("MIGRATE_MODELS_PATTERN", "*.a, +*.b", 1); /* as people write lists */
    expect("", "[*.a][*.b]");
    unsetenv("MIGRATE_MODELS_PATTERN");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cmd/patterns");
    TCase *tc = tcase_create("patterns");
    tcase_add_test(tc, what_is_typed);
    tcase_add_test(tc, in_the_environment);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
