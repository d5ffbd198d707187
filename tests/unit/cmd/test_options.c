#include "../../../src/cmd/options.h"

#include "../../../src/cmd/option_table.h"
#include "../unit.h"

#define MIB (UINT64_C(1) << 20)

static Err err;
static Options options;

static void setup(void)
{
    err = (Err){0};
    options = (Options){0};
}

static void teardown(void)
{
    options_free(&options);
}

/* argv is writable, as main's is: a password is wiped in it. */
static bool parse(CommandId command, size_t skip, const char *const *words)
{
    static char texts[12][80];
    char *argv[13] = {"program"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++) {
        snprintf(texts[argc - 1], sizeof texts[0], "%s", words[argc - 1]);
        argv[argc] = texts[argc - 1];
    }
    return options_parse(argc, argv, CMD_BIT(command), skip, &options, &err);
}

#define PARSE(command, ...) parse((command), 0, (const char *[]){__VA_ARGS__, NULL})

START_TEST(defaults)
{
    ck_ok(PARSE(COMMAND_RUN, "models"));
    ck_assert_int_eq(options.retries, 8);
    ck_assert_double_eq(options.wait, 0);
    ck_assert_uint_eq(options.batch_bytes, 32 * MIB);
    ck_assert_str_eq(options.pattern.items[0], "*.joblib");
    ck_assert_ptr_null(options.pattern.items[1]);
    ck_assert_str_eq(options.arguments.items[0], "models");
    ck_assert_ptr_null(options.dbname);
}
END_TEST

START_TEST(values_in_all_forms)
{
    ck_ok(PARSE(COMMAND_RUN, "-nj4", "--batch-bytes=5MiB", "--wait", "2m", "-vv", "--exclude", "a*", "--exclude=b*", "--", "-x"));
    ck_assert(options.dry_run);
    ck_assert_int_eq(options.jobs, 4);
    ck_assert_uint_eq(options.batch_bytes, 5 * MIB);
    ck_assert_double_eq(options.wait, 120);
    ck_assert_int_eq(options.verbose, 2);
    ck_assert_uint_eq(options.exclude.count, 2);
    ck_assert_str_eq(options.exclude.items[1], "b*");
    ck_assert_str_eq(options.arguments.items[0], "-x");
}
END_TEST

START_TEST(words_of_the_command_are_no_arguments)
{
    ck_ok(parse(COMMAND_DB_UPGRADE, 2, (const char *[]){"-q", "db", "--retries", "3", "upgrade", NULL}));
    ck_assert_uint_eq(options.arguments.count, 0);
    ck_assert_int_eq(options.retries, 3);
}
END_TEST

START_TEST(option_of_another_command)
{
    ck_fails(PARSE(COMMAND_GET, "--download"), ERR_USAGE, "--download is not an option of this command");
    ck_assert_uint_eq(options.taken_by, CMD_BIT(COMMAND_CHECK));
}
END_TEST

START_TEST(options_that_all_commands_take)
{
    for (unsigned command = 0; command < COMMAND_COUNT; command++) {
        ck_ok(PARSE(command, "--state-dir", "s", "--jobs=2", "--max-memory=64MiB", "--retries=1", "--wait=5s", "-qv", "--json"));
        options_free(&options);
    }
}
END_TEST

START_TEST(unknown_options_name_the_nearest)
{
    ck_fails(PARSE(COMMAND_RUN, "--dryrun"), ERR_USAGE, "unknown option --dryrun");
    ck_assert_str_eq(err.hint, "did you mean --dry-run? --help --all lists every option");
    ck_fails(PARSE(COMMAND_RUN, "--zzzzzzzzzz"), ERR_USAGE, "unknown option --zzzzzzzzzz");
    ck_assert_ptr_nonnull(strstr(err.hint, "--help"));
    ck_fails(PARSE(COMMAND_RUN, "-Z"), ERR_USAGE, "unknown option -Z");
}
END_TEST

START_TEST(bad_values)
{
    ck_fails(PARSE(COMMAND_RUN, "--jobs=many"), ERR_USAGE, "--jobs: a whole number from 0 to 256, not \"many\"");
    ck_fails(PARSE(COMMAND_RUN, "--jobs"), ERR_USAGE, "--jobs needs a value: N");
    ck_fails(PARSE(COMMAND_RUN, "--json=1"), ERR_USAGE, "--json takes no value");
    ck_fails(PARSE(COMMAND_RUN, "--wait=-1"), ERR_USAGE, "--wait: a time");
    ck_fails(PARSE(COMMAND_RUN, "--state-dir="), ERR_USAGE, "--state-dir needs a value: DIR");
}
END_TEST

START_TEST(addresses_are_not_printed)
{
    static const char *const words[][4] = {{"postgresql://u:hunter2@h/db"}, {"--map", "host=h password=hunter2"}, {"--postgres://u:hunter2@h"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        ck_fails(parse(COMMAND_RUN, 0, words[i]), ERR_USAGE, "");
        ck_assert_ptr_null(strstr(err.text, "hunter2"));
        ck_assert_ptr_null(strstr(err.hint, "hunter2"));
    }
    ck_assert(options_is_address("x password = y"));
    ck_assert(!options_is_address("password_model"));
}
END_TEST

START_TEST(next_word)
{
    char *argv[] = {"program", "-d", "x", "--json", "one", "--jobs=2", "-j", "3", "two", "--", "three"};
    int next = 1;
    ck_assert_str_eq(options_next_word(11, argv, &next), "one");
    ck_assert_str_eq(options_next_word(11, argv, &next), "two");
    ck_assert_ptr_null(options_next_word(11, argv, &next));
    ck_assert_ptr_null(options_next_word(11, argv, &next));
}
END_TEST

START_TEST(environment)
{
    ck_assert_int_eq(setenv("MIGRATE_MODELS_RETRIES", "5", 1), 0);
    ck_assert_int_eq(setenv("MIGRATE_MODELS_EXCLUDE", "a,b", 1), 0);
    ck_assert_int_eq(setenv("MIGRATE_MODELS_DOWNLOAD", "nonsense", 1), 0); /* of another command */
    ck_ok(PARSE(COMMAND_RUN, "--exclude", "c"));
    ck_assert_int_eq(options.retries, 5);
    ck_assert_uint_eq(options.exclude.count, 1);
    options_free(&options);
    ck_fails(PARSE(COMMAND_CHECK, "models"), ERR_USAGE, "environment variable MIGRATE_MODELS_DOWNLOAD");
}
END_TEST

START_TEST(rows_are_whole)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        bool flag = spec->kind == OPTION_FLAG || spec->kind == OPTION_COUNT;
        ck_assert_msg(flag == (spec->value_name == NULL), "%s", spec->name);
        ck_assert_msg(spec->commands != 0 && (spec->commands & ~CMD_ALL) == 0, "%s", spec->name);
        ck_assert_msg(strlen(spec->help) > 5, "%s", spec->name);
        ck_assert_msg(spec->brief == NULL || strlen(spec->brief) <= 49, "%s", spec->name); /* 47 columns */
        for (const OptionSpec *other = option_table; other != spec; other++)
            ck_assert_msg(strcmp(other->name, spec->name) != 0 && (spec->letter == 0 || spec->letter != other->letter), "%s", spec->name);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, values_in_all_forms);
    tcase_add_test(tests, words_of_the_command_are_no_arguments);
    tcase_add_test(tests, option_of_another_command);
    tcase_add_test(tests, options_that_all_commands_take);
    tcase_add_test(tests, unknown_options_name_the_nearest);
    tcase_add_test(tests, bad_values);
    tcase_add_test(tests, addresses_are_not_printed);
    tcase_add_test(tests, next_word);
    tcase_add_test(tests, environment);
    tcase_add_test(tests, rows_are_whole);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
