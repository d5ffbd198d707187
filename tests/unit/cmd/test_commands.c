#include "../../../src/cmd/commands.h"

#include "../unit.h"

static Err err;

static void setup(void)
{
    err = (Err){0};
}

#define CHOOSE(...) choose_words((char *[]){"program", __VA_ARGS__, NULL})

static CommandChoice choose_words(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return commands_choose(argc, argv);
}

static void check_choice(CommandChoice choice, CommandId id, size_t words)
{
    ck_assert_ptr_eq(choice.command, &commands[id]);
    ck_assert_uint_eq(choice.words, words);
    ck_assert_uint_eq(choice.bits, CMD_BIT(id));
    ck_assert_ptr_null(choice.unknown);
}

START_TEST(first_word_is_the_command)
{
    check_choice(CHOOSE("check", "models"), COMMAND_CHECK, 1);
    check_choice(CHOOSE("db", "upgrade"), COMMAND_DB_UPGRADE, 2);
    check_choice(CHOOSE("db", "current"), COMMAND_DB_CURRENT, 2);
    check_choice(CHOOSE("get", "check"), COMMAND_GET, 1);
    ck_assert_str_eq(CHOOSE("check").named, "check");
}
END_TEST

START_TEST(options_and_their_values_are_passed_over)
{
    check_choice(CHOOSE("-q", "check"), COMMAND_CHECK, 1);
    check_choice(CHOOSE("-d", "check", "cleanup"), COMMAND_CLEANUP, 1);
    check_choice(CHOOSE("-qd", "check", "cleanup"), COMMAND_CLEANUP, 1);
    check_choice(CHOOSE("-dx", "cleanup"), COMMAND_CLEANUP, 1);
    check_choice(CHOOSE("--dbname", "check", "restore", "x"), COMMAND_RESTORE, 1);
    check_choice(CHOOSE("--dbname=x", "restore", "x"), COMMAND_RESTORE, 1);
    check_choice(CHOOSE("--unknown", "restore", "x"), COMMAND_RESTORE, 1);
    check_choice(CHOOSE("db", "-d", "current", "upgrade"), COMMAND_DB_UPGRADE, 2);
}
END_TEST

START_TEST(run_may_be_left_out)
{
    CommandChoice choice = choose_words((char *[]){"program", NULL});
    check_choice(choice, COMMAND_RUN, 0);
    ck_assert_str_eq(choice.named, "");
    check_choice(CHOOSE("/srv/models"), COMMAND_RUN, 0);
    check_choice(CHOOSE("./chekc"), COMMAND_RUN, 0);
    check_choice(CHOOSE("-q"), COMMAND_RUN, 0);
    check_choice(CHOOSE("--", "check"), COMMAND_RUN, 0);
    check_choice(CHOOSE("postgresql://u:secret@h/db"), COMMAND_RUN, 0);
    check_choice(CHOOSE("run"), COMMAND_RUN, 1);
}
END_TEST

START_TEST(nearest_command_is_named)
{
    CommandChoice choice = CHOOSE("chekc");
    ck_assert_str_eq(choice.unknown, "chekc");
    ck_fails(commands_refuse(&choice, &err), ERR_USAGE, "\"chekc\" is neither a command nor a folder");
    ck_assert_str_eq(err.hint, "did you mean check? the commands are run, check, cleanup, get, restore, copy, ls, info, history, "
                                "activate, deactivate, rollback, release, alias, db");
    choice = CHOOSE("bogus-word");
    ck_fails(commands_refuse(&choice, &err), ERR_USAGE, "neither");
    ck_assert_str_eq(err.hint, "the commands are run, check, cleanup, get, restore, copy, ls, info, history, "
                                "activate, deactivate, rollback, release, alias, db");
}
END_TEST

START_TEST(group_needs_its_second_word)
{
    CommandChoice choice = CHOOSE("db");
    ck_assert_ptr_null(choice.command);
    ck_assert_uint_eq(choice.bits, CMD_DATABASE | CMD_FOLDER);
    ck_fails(commands_refuse(&choice, &err), ERR_USAGE, "db needs a command");
    ck_assert_str_eq(err.hint, "the commands of db are upgrade, current, downgrade, check, stamp, repair, heads, history, show, init, revision, merge");
    choice = CHOOSE("db", "curent");
    ck_fails(commands_refuse(&choice, &err), ERR_USAGE, "\"curent\" is no command of db");
    ck_assert_str_eq(err.hint, "did you mean db current? the commands of db are upgrade, current, downgrade, check, stamp, repair, heads, history, show, init, revision, merge");
    choice = CHOOSE("db", "migrate");
    ck_fails(commands_refuse(&choice, &err), ERR_USAGE, "db migrate: the word has two meanings");
    ck_assert_str_eq(err.hint, "to apply revisions: db upgrade; to write a new one: db revision");
}
END_TEST

START_TEST(names_of_a_mask)
{
    char names[COMMANDS_NAMES_SIZE];
    ck_assert_str_eq(commands_names(names, CMD_BIT(COMMAND_CHECK) | CMD_BIT(COMMAND_RUN)), "run, check");
    ck_assert_str_eq(commands_names(names, CMD_DATABASE | CMD_FOLDER), "db");
    ck_assert_str_eq(commands_names(names, CMD_BIT(COMMAND_DB_UPGRADE) | CMD_BIT(COMMAND_GET)), "get, db upgrade");
    ck_assert_str_eq(commands_names(names, CMD_ALL), "run, check, cleanup, get, restore, copy, ls, info, history, "
                                "activate, deactivate, rollback, release, alias, db");
}
END_TEST

START_TEST(rows_are_whole)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        ck_assert_ptr_nonnull(commands[i].words);
        ck_assert_ptr_nonnull(commands[i].arguments);
        ck_assert_ptr_nonnull(commands[i].main);
        ck_assert_uint_gt(strlen(commands[i].summary), 10);
        ck_assert_uint_le(strlen(commands[i].summary), 68);
        for (unsigned j = 0; j < 2; j++) {
            ck_assert_msg(commands[i].examples[j] != NULL, "%s needs two examples", commands[i].words);
            ck_assert_uint_le(strlen(commands[i].examples[j]), 56);
        }
        ck_assert_uint_le(commands[i].least, commands[i].most);
        ck_assert((commands[i].most == 0) == (commands[i].arguments[0] == '\0'));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("commands");
    TCase *tests = tcase_create("commands");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, first_word_is_the_command);
    tcase_add_test(tests, options_and_their_values_are_passed_over);
    tcase_add_test(tests, run_may_be_left_out);
    tcase_add_test(tests, nearest_command_is_named);
    tcase_add_test(tests, group_needs_its_second_word);
    tcase_add_test(tests, names_of_a_mask);
    tcase_add_test(tests, rows_are_whole);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
