/* main.c: finds the command, parses its options, runs it, and sees that its answer arrived. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"

const Command commands[] = {
    {"run", CMD_RUN, "[MODELS_DIR]", "move a models folder into the database; safe to repeat (may be left out)", cmd_run},
    {"check", CMD_CHECK, "[MODELS_DIR]", "compare tree and database in both directions, and prove what is stored", cmd_check},
    {"cleanup", CMD_CLEANUP, "[MODELS_DIR]", "which local files may go, with the proof for each; --plan, then --apply",
     cmd_cleanup},
    {"get", CMD_GET, "NAME[@V] [DEST|-]", "a stored model back to a file or directory, byte for byte", cmd_get},
    {"restore", CMD_RESTORE, "BACKUP_DIR", "rows of a CSV backup back into the database", cmd_restore},
    {"db", CMD_DB, "upgrade|current", "schema of the database", cmd_db},
    {0},
};

static const Command *find_command(const char *name)
{
    for (const Command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static void print_help(const Command *command, bool named)
{
    printf("Usage: migrate_models_to_db %s [OPTIONS] %s\n\n", named ? command->name : "[COMMAND]", command->arguments);
    if (!named) {
        puts("Commands:");
        for (const Command *each = commands; each->name != NULL; each++)
            printf("  %-8s %-18s %s\n", each->name, each->arguments, each->summary);
        puts("");
    }
    printf("Options of %s:\n", command->name);
    options_print_help(stdout, command->bit);
    puts("\nEvery --foo-bar is also the environment variable MIGRATE_MODELS_FOO_BAR.");
    puts("Exit codes: 0 done, 1 error, 2 usage, 3 some models failed, 4 differences, 5 store unreachable,\n"
         "            10 schema, 11 locked, 128+N signal.");
}

static LogLevel log_level(const Options *options)
{
    if (options->quiet)
        return LOG_ERROR;
    return options->verbose >= 2 ? LOG_DEBUG : options->verbose == 1 ? LOG_INFO : LOG_WARN;
}

static int run_command(const Command *command, bool named, int argc, char **argv)
{
    Options options;
    Err err = {0};
    if (!options_parse(argc, argv, command->bit, &options, &err))
        return command_fail(&err);
    int code = 0;
    log_set_level(log_level(&options));
    if (options.help)
        print_help(command, named);
    else if (options.version)
        puts("migrate_models_to_db " PROGRAM_VERSION);
    else
        code = command->main(&options);
    options_free(&options);
    return code;
}

/* A standard descriptor that is closed would go to the next file or socket that is opened, and what is printed with it. It gets one
 * that fails: 0 cannot be read from, 1 and 2 cannot be written to. */
static bool hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

/* An answer that did not arrive is no success. Other errors keep their code: they were told on the other channel. */
static int finish(int code)
{
    Err err = {0};
    bool done = code == 0 || code == err_exit_code(ERR_SKIP) || code == EXIT_DIFFERENCES;
    if (!command_flush(&err) && done)
        return command_fail(&err);
    return code == 0 && ferror(stderr) ? err_exit_code(ERR_STOP) : code;
}

static int find_and_run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help-markdown") == 0) { /* for docs/options.md */
        options_print_markdown(stdout);
        return 0;
    }
    const Command *command = argc > 1 ? find_command(argv[1]) : NULL;
    if (command != NULL)
        return run_command(command, true, argc - 1, argv + 1);
    return run_command(&commands[0], false, argc, argv);
}

int main(int argc, char **argv)
{
    if (!hold_standard_descriptors())
        return err_exit_code(ERR_STOP);
    return finish(find_and_run(argc, argv));
}
