#include "commands.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/nearest.h"

const Command commands[COMMAND_COUNT] = {
    [COMMAND_RUN] = {.words = "run",
                     .arguments = "[MODELS_DIR]",
                     .summary = "move a models folder into the database; the default, safe to repeat",
                     .examples = {"--upgrade -d models.db ./models",
                                  "--dry-run -d models.db ./models"},
                     .is_everyday = true,
                     .needs = NEEDS_TREE | MAKES_STORE,
                     .most = 1,
                     .main = cmd_run},
    [COMMAND_CHECK] = {.words = "check",
                       .arguments = "[MODELS_DIR]",
                       .summary = "compare tree and database both ways, and prove what is stored",
                       .examples = {"check -d models.db ./models",
                                    "check --download --report check.html -d models.db"},
                       .is_everyday = true,
                       .needs = NEEDS_TREE | NEEDS_SCHEMA,
                       .most = 1,
                       .check = cmd_check_options,
                       .main = cmd_check},
    [COMMAND_CLEANUP] = {.words = "cleanup",
                         .arguments = "[MODELS_DIR]",
                         .summary = "which local files may go, with the proof; --plan, then --apply",
                         .examples = {"cleanup --plan plan.csv -d models.db ./models",
                                      "cleanup --apply plan.csv --yes -d models.db ./models"},
                         .is_everyday = true,
                         .needs = NEEDS_TREE | NEEDS_SCHEMA,
                         .most = 1,
                         .check = cmd_cleanup_options,
                         .main = cmd_cleanup},
    [COMMAND_GET] = {.words = "get",
                     .arguments = "NAME[@V]|GLOB [DEST|-]",
                     .summary = "a stored model back to a file or directory, byte for byte",
                     .examples = {"get churn_model@1 churn.joblib -d models.db",
                                  "get --all -d models.db ./models-again"},
                     .is_everyday = true,
                     .needs = NEEDS_STORE,
                     .least = 1,
                     .most = 2,
                     .check = cmd_get_options,
                     .main = cmd_get},
    [COMMAND_RESTORE] = {.words = "restore",
                         .arguments = "BACKUP...",
                         .summary = "rows of CSV backups back into the database",
                         .examples = {"restore -d restored.db ./backups/*",
                                      "restore --json -d models.db ./backups/*"},
                         .is_everyday = true,
                         .needs = NEEDS_SCHEMA | MAKES_STORE,
                         .least = 1,
                         .most = SIZE_MAX,
                         .check = cmd_restore_options,
                         .main = cmd_restore},
    [COMMAND_COPY] = {.words = "copy",
                      .arguments = "--from URL --to URL [GLOB...]",
                      .summary = "the models of one database into another",
                      .examples = {"copy --from models.db --to second.db --upgrade",
                                   "copy --from models.db --to second.db --live-only"},
                      .is_everyday = true,
                      .needs = MAKES_STORE,
                      .most = SIZE_MAX,
                      .check = cmd_copy_options,
                      .main = cmd_copy},
    [COMMAND_LS] = {.words = "ls",
        .arguments = "[GLOB...]",
        .summary = "what is stored: the live version of each name",
        .examples = {"ls -d models.db",
                     "ls --all --json -d models.db 'churn*'"},
        .needs = NEEDS_STORE,
        .least = 0,
        .most = SIZE_MAX,
        .check = cmd_ls_options,
        .main = cmd_ls},
    [COMMAND_INFO] = {.words = "info",
        .arguments = "NAME[@V]",
        .summary = "everything about one version, and what was done with it",
        .examples = {"info churn_model -d models.db",
                     "info churn_model@1 --json -d models.db"},
        .needs = NEEDS_STORE,
        .least = 1,
        .most = 1,
        .main = cmd_info},
    [COMMAND_HISTORY] = {.words = "history",
        .arguments = "[NAME]",
        .summary = "what was stored, and what went live: when, who, why",
        .examples = {"history churn_model -d models.db",
                     "history --json -d models.db"},
        .needs = NEEDS_STORE,
        .least = 0,
        .most = 1,
        .main = cmd_history},
    [COMMAND_ACTIVATE] = {.words = "activate",
        .arguments = "NAME@V...",
        .summary = "make a version live",
        .examples = {"activate churn_model@1 -d models.db",
                     "activate churn_model@1 --reason 'as tested' -d models.db"},
        .needs = NEEDS_STORE,
        .least = 1,
        .most = SIZE_MAX,
        .check = cmd_activate_options,
        .main = cmd_activate},
    [COMMAND_DEACTIVATE] = {.words = "deactivate",
        .arguments = "NAME@V...",
        .summary = "take a version out of use; the next lower one is live",
        .examples = {"deactivate churn_model@1 --allow-none -d models.db",
                     "deactivate churn_model@1 --allow-none -n -d models.db"},
        .needs = NEEDS_STORE,
        .least = 1,
        .most = SIZE_MAX,
        .main = cmd_deactivate},
    [COMMAND_ROLLBACK] = {.words = "rollback",
        .arguments = "NAME...",
        .summary = "back to what was live before; new versions wait",
        .examples = {"rollback churn_model -d models.db",
                     "rollback churn_model --reason 'bad numbers' -d models.db"},
        .needs = NEEDS_STORE,
        .least = 1,
        .most = SIZE_MAX,
        .main = cmd_rollback},
    [COMMAND_RELEASE] = {.words = "release",
        .arguments = "NAME...",
        .summary = "after a rollback: new versions go live again",
        .examples = {"release churn_model -d models.db",
                     "release churn_model --json -d models.db"},
        .needs = NEEDS_STORE,
        .least = 1,
        .most = SIZE_MAX,
        .main = cmd_release},
    [COMMAND_ALIAS] = {.words = "alias",
        .arguments = "NAME[@V] ALIAS",
        .summary = "give a version a name of your own, or take it away",
        .examples = {"alias churn_model@1 champion -d models.db",
                     "alias --delete churn_model champion -d models.db"},
        .needs = NEEDS_STORE,
        .least = 2,
        .most = 2,
        .check = cmd_alias_options,
        .main = cmd_alias},
    [COMMAND_DB_UPGRADE] = {.words = "db upgrade",
                            .arguments = "[REV]",
                            .summary = "bring the schema of the database to head",
                            .examples = {"db upgrade -d models.db",
                                         "db upgrade --wait 60s -d models.db"},
                            .needs = MAKES_STORE,
                            .most = 1,
                            .check = cmd_db_upgrade_options,
                            .main = cmd_db_upgrade},
    [COMMAND_DB_CURRENT] = {.words = "db current",
                            .arguments = "",
                            .summary = "the revision that the schema is at",
                            .examples = {"db current -d models.db",
                                         "db current --json -d models.db"},
                            .main = cmd_db_current},
    [COMMAND_DB_DOWNGRADE] = {.words = "db downgrade",
                              .arguments = "[REV|-N|base]",
                              .summary = "back to a revision; by default one step",
                              .examples = {"db downgrade --migrations migrations -d app.db",
                                           "db downgrade -n base --migrations migrations -d app.db"},
                              .needs = NEEDS_FOLDER,
                              .most = 1,
                              .main = cmd_db_downgrade},
    [COMMAND_DB_CHECK] = {.words = "db check",
                          .arguments = "",
                          .summary = "is the database at head? exit code 4: no",
                          .examples = {"db check --migrations migrations -d app.db",
                                       "db check --json --migrations migrations -d app.db"},
                          .needs = NEEDS_FOLDER,
                          .main = cmd_db_check},
    [COMMAND_DB_STAMP] = {.words = "db stamp",
                          .arguments = "REV...",
                          .summary = "write a revision down, run nothing",
                          .examples = {"db stamp head --migrations migrations -d app.db",
                                       "db stamp 0001 --purge --migrations migrations -d app.db"},
                          .needs = NEEDS_FOLDER | MAKES_STORE,
                          .least = 1,
                          .most = SIZE_MAX,
                          .main = cmd_db_stamp},
    [COMMAND_DB_REPAIR] = {.words = "db repair",
                           .arguments = "[REV...]",
                           .summary = "accept files that were edited",
                           .examples = {"db repair --migrations migrations -d app.db",
                                        "db repair 0001 --migrations migrations -d app.db"},
                           .needs = NEEDS_FOLDER,
                           .most = SIZE_MAX,
                           .main = cmd_db_repair},
    [COMMAND_DB_HEADS] = {.words = "db heads",
                          .arguments = "",
                          .summary = "the newest revisions of a folder",
                          .examples = {"db heads --migrations migrations",
                                       "db heads --json --migrations migrations"},
                          .needs = NEEDS_FOLDER | OPENS_NOTHING,
                          .main = cmd_db_heads},
    [COMMAND_DB_HISTORY] = {.words = "db history",
                            .arguments = "[A:B]",
                            .summary = "its revisions, the newest first",
                            .examples = {"db history --migrations migrations",
                                         "db history -v head-1:head --migrations migrations"},
                            .needs = NEEDS_FOLDER | OPENS_NOTHING,
                            .most = 1,
                            .main = cmd_db_history},
    [COMMAND_DB_SHOW] = {.words = "db show",
                         .arguments = "REV",
                         .summary = "the file of a revision",
                         .examples = {"db show head --migrations migrations",
                                      "db show head --json --migrations migrations"},
                         .needs = NEEDS_FOLDER | OPENS_NOTHING,
                         .least = 1,
                         .most = 1,
                         .main = cmd_db_show},
    [COMMAND_DB_INIT] = {.words = "db init",
                         .arguments = "",
                         .summary = "make a folder for revisions",
                         .examples = {"db init --migrations migrations",
                                      "db init --json --migrations migrations"},
                         .needs = NEEDS_FOLDER | OPENS_NOTHING,
                         .main = cmd_db_init},
    [COMMAND_DB_REVISION] = {.words = "db revision",
                             .arguments = "",
                             .summary = "write a file for a new revision",
                             .examples = {"db revision -m 'add owner' --migrations migrations",
                                          "db revision -m x --rev-id 7 --migrations migrations"},
                             .needs = NEEDS_FOLDER | OPENS_NOTHING,
                             .main = cmd_db_revision},
    [COMMAND_DB_MERGE] = {.words = "db merge",
                          .arguments = "[REV...]",
                          .summary = "write a revision that joins heads",
                          .examples = {"db merge --migrations migrations",
                                       "db merge aa02 bb02 -m both --migrations migrations"},
                          .needs = NEEDS_FOLDER | OPENS_NOTHING,
                          .most = SIZE_MAX,
                          .main = cmd_db_merge},
};

static size_t first_length(const Command *command)
{
    return strcspn(command->words, " ");
}

static bool starts_with_word(const Command *command, const char *word)
{
    return strlen(word) == first_length(command) && strncmp(command->words, word, strlen(word)) == 0;
}

/* "upgrade" of "db upgrade"; "" for a command of one word. */
static const char *second_word(const Command *command)
{
    const char *rest = command->words + first_length(command);
    return rest[0] == ' ' ? rest + 1 : rest;
}

static CommandBits group_bits(const char *first)
{
    CommandBits bits = 0;
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        if (starts_with_word(&commands[i], first))
            bits |= CMD_BIT(i);
    return bits;
}

static CommandChoice choose(unsigned index, const char *named, size_t words)
{
    return (CommandChoice){.command = &commands[index], .named = named, .words = words, .bits = CMD_BIT(index)};
}

/* A word without a slash that is no folder either may be a command that was misspelt. */
static bool is_nothing(const char *word)
{
    struct stat st;
    return strchr(word, '/') == NULL && !options_is_address(word) && stat(word, &st) != 0;
}

CommandChoice commands_choose(int argc, char *const *argv)
{
    int next = 1;
    const char *first = options_next_word(argc, argv, &next);
    CommandChoice run = choose(COMMAND_RUN, "", 0);
    if (first == NULL)
        return run;
    CommandBits bits = group_bits(first);
    if (bits == 0) {
        run.unknown = is_nothing(first) ? first : NULL;
        return run;
    }
    const char *second = NULL;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if ((bits & CMD_BIT(i)) == 0)
            continue;
        if (second_word(&commands[i])[0] == '\0')
            return choose(i, commands[i].words, 1);
        if (second == NULL && (second = options_next_word(argc, argv, &next)) == NULL)
            break;
        if (strcmp(second_word(&commands[i]), second) == 0)
            return choose(i, commands[i].words, 2);
    }
    return (CommandChoice){.named = first, .unknown = second, .words = 1, .bits = bits};
}

/* In one framework this word writes a file, in another one, and in many Makefiles, it applies them. */
static bool refuse_migrate(Err *err)
{
    err_set(err, ERR_USAGE, "db migrate: the word has two meanings");
    return err_hint(err, "to apply revisions: db upgrade; to write a new one: db revision");
}

static bool refuse_group(const CommandChoice *choice, Err *err)
{
    char words[COMMANDS_NAMES_SIZE] = "";
    size_t used = 0;
    const char *unknown = choice->unknown != NULL ? choice->unknown : "";
    if (strcmp(unknown, "migrate") == 0)
        return refuse_migrate(err);
    Nearest nearest = nearest_to(unknown, strlen(unknown));
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if ((choice->bits & CMD_BIT(i)) == 0 || used >= sizeof words)
            continue;
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", used > 0 ? ", " : "", second_word(&commands[i]));
        nearest_try(&nearest, second_word(&commands[i]));
    }
    if (choice->unknown != NULL)
        err_set(err, ERR_USAGE, "\"%s\" is no command of %s", unknown, choice->named);
    else
        err_set(err, ERR_USAGE, "%s needs a command", choice->named);
    return nearest.found != NULL
               ? err_hint(err, "did you mean %s %s? the commands of %s are %s", choice->named, nearest.found, choice->named, words)
               : err_hint(err, "the commands of %s are %s", choice->named, words);
}

bool commands_refuse(const CommandChoice *choice, Err *err)
{
    char names[COMMANDS_NAMES_SIZE];
    if (choice->command == NULL)
        return refuse_group(choice, err);
    err_set(err, ERR_USAGE, "\"%s\" is neither a command nor a folder", choice->unknown);
    Nearest nearest = nearest_to(choice->unknown, strlen(choice->unknown));
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        nearest_try(&nearest, commands[i].words);
    commands_names(names, CMD_ALL);
    return nearest.found != NULL ? err_hint(err, "did you mean %s? the commands are %s", nearest.found, names)
                                 : err_hint(err, "the commands are %s", names);
}

const char *commands_names(char out[COMMANDS_NAMES_SIZE], CommandBits bits)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        char first[32];
        snprintf(first, sizeof first, "%.*s", (int)first_length(&commands[i]), commands[i].words);
        CommandBits group = group_bits(first);
        bool whole = (bits & group) == group, leads = (group & (CMD_BIT(i) - 1)) == 0;
        if ((bits & CMD_BIT(i)) == 0 || (whole && !leads) || used >= COMMANDS_NAMES_SIZE)
            continue;
        used += (size_t)snprintf(out + used, COMMANDS_NAMES_SIZE - used, "%s%s", used > 0 ? ", " : "",
                                 whole ? first : commands[i].words);
    }
    return out;
}
