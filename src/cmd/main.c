/* main.c: finds the command, parses its options, opens what it needs, runs it, and sees that its answer arrived. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"
#include "flow/progress.h"
#include "flow/signals.h"
#include "help.h"
#include "manual/manual.h"
#include "schema/schema.h"

#define STATS_SECONDS 60 /* between two lines of progress with -v, when --stats says nothing */

static LogLevel log_level(const Options *options)
{
    if (options->quiet)
        return LOG_ERROR;
    return options->verbose >= 2 ? LOG_DEBUG : options->verbose == 1 ? LOG_INFO : LOG_WARN;
}

/* Patterns without quotes are expanded by the shell, and all but the first come as arguments. */
static const char *unexpected_argument(const Command *command, const StringList *arguments)
{
    struct stat st;
    for (size_t i = 0; (command->needs & NEEDS_TREE) != 0 && i < arguments->count; i++)
        if (stat(arguments->items[i], &st) != 0 || !S_ISDIR(st.st_mode))
            return arguments->items[i];
    return arguments->items[command->most];
}

static bool check_arguments(const Command *command, const Options *options, Err *err)
{
    const StringList *arguments = &options->arguments;
    if (arguments->count > command->most)
        err_set(err, ERR_USAGE, "unexpected argument \"%s\"%s", unexpected_argument(command, arguments),
                (command->needs & NEEDS_TREE) != 0 ? "; give one folder, and a --pattern in quotes for each pattern" : "");
    else if (arguments->count < command->least)
        err_set(err, ERR_USAGE, "an argument is missing");
    else
        return true;
    return err_hint(err, "usage: migrate_models_to_db %s [OPTIONS]%s%s", command->words, command->most > 0 ? " " : "",
                    command->arguments);
}

static bool check_folder(const Command *command, const Options *options, Err *err)
{
    if ((command->needs & NEEDS_FOLDER) == 0 || options->migrations != NULL)
        return true;
    err_set(err, ERR_USAGE, "%s: no folder of revisions is named", command->words);
    return err_hint(err, "name it with --migrations DIR, or in MIGRATE_MODELS_MIGRATIONS");
}

static bool ask_schema(void *ctx, Err *err)
{
    const CommandContext *context = ctx;
    return (context->command->needs & MAKES_STORE) != 0 ? schema_make_ready(context->store, context->retry.target, false, err)
                                                        : schema_require_head(context->store, context->retry.target, err);
}

static bool prepare(const Command *command, CommandContext *context, Err *err)
{
    const Options *options = context->options;
    StoreTarget *target = NULL;
    context->retry.retries = (unsigned)options->retries;
    context->retry.wait_seconds = options->wait;
    if ((command->needs & NEEDS_TREE) != 0)
        context->models_dir = options->arguments.count > 0 ? options->arguments.items[0] : "./models";
    if (!check_arguments(command, options, err) || !check_folder(command, options, err) ||
        (command->check != NULL && !command->check(options, err)) ||
        !command_target(command, options, &target, err) || !signals_start(err)) {
        store_target_free(target);
        return false;
    }
    double unasked = options->verbose > 0 && !options->quiet ? STATS_SECONDS : 0;
    progress_start(!options->quiet, options->stats > 0 ? options->stats : unasked);
    context->retry.target = target;
    if ((command->needs & (NEEDS_SCHEMA | NEEDS_STORE)) == 0)
        return true;
    bool ok = retry_step(&context->retry, &context->store, ask_schema, context, err);
    if ((command->needs & NEEDS_STORE) == 0) {
        store_close(context->store);
        context->store = NULL;
    }
    return ok;
}

static int execute(const Command *command, const Options *options)
{
    CommandContext context = {.command = command, .options = options};
    Err err = {0};
    bool ok = prepare(command, &context, &err) && command->main(&context, &err);
    progress_stop();
    int code = ok ? context.exit_code : command_fail(&err, options);
    store_close(context.store);
    store_target_free((StoreTarget *)context.retry.target);
    return code;
}

static int choose_and_execute(int argc, char **argv)
{
    CommandChoice choice = commands_choose(argc, argv);
    Options options;
    Err err = {0};
    if (!options_parse(argc, argv, choice.bits, choice.words, &options, &err)) {
        char names[COMMANDS_NAMES_SIZE];
        if (options.taken_by != 0)
            err_hint(&err, "it is an option of %s", commands_names(names, options.taken_by));
        return command_fail(&err, NULL);
    }
    int code = 0;
    log_set_level(log_level(&options));
    if (options.help)
        help_print(stdout, &choice, options.all);
    else if (options.version)
        help_print_version(stdout, options.verbose > 0);
    else if (choice.command == NULL || choice.unknown != NULL)
        code = commands_refuse(&choice, &err) ? 0 : command_fail(&err, &options);
    else
        code = execute(choice.command, &options);
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
        return command_fail(&err, NULL);
    return code == 0 && ferror(stderr) ? err_exit_code(ERR_STOP) : code;
}

/* What the build prints from the tables: for docs/options.md, and for what `make install` installs. */
static const struct {
    const char *word;
    void (*print)(FILE *out);
} papers[] = {{"--help-markdown", help_print_markdown}, {"--help-man", manual_page}, {"--help-bash", manual_bash},
              {"--help-zsh", manual_zsh}, {"--help-fish", manual_fish}};

int main(int argc, char **argv)
{
    if (!hold_standard_descriptors())
        return err_exit_code(ERR_STOP);
    for (size_t i = 0; argc > 1 && i < sizeof papers / sizeof *papers; i++)
        if (strcmp(argv[1], papers[i].word) == 0) {
            papers[i].print(stdout);
            return finish(0);
        }
    return finish(choose_and_execute(argc, argv));
}
