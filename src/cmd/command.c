#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/host.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/userfile.h"
#include "option_table.h"
#include "remedy.h"
#include "store/into.h"

#define JOBS_MAX 16 /* unless --jobs says so */

int command_exit_code(const Err *err)
{
    return err->cls == ERR_INTERRUPTED ? 128 + interrupt_signal() : err_exit_code(err->cls);
}

int command_fail(const Err *err, const Options *options)
{
    remedy_log(err, options);
    return command_exit_code(err);
}

const char *command_host(void)
{
    static char host[256];
    if (host[0] == '\0')
        host_name(host, sizeof host);
    return host;
}

Lines command_lines(const CommandContext *context)
{
    const Options *options = context->options;
    return (Lines){.out = stdout,
                   .command = context->command->words,
                   .store = store_target_label(context->retry.target),
                   .json = options->json,
                   .quiet = options->quiet,
                   .verbose = options->verbose > 0,
                   .signalled = interrupt_signal()};
}

/* The commonest kind that may hold models. */
static void say_how_to_take(const LeftOut *left_out, Lines *lines)
{
    for (size_t i = 0; i < left_out->kinds.count; i++) {
        const char *pattern = left_out->kinds.items[i].pattern;
        if (strcmp(pattern, "pickle without suffix") == 0)
            snprintf(lines->take_left_out, sizeof lines->take_left_out, "--preset sklearn takes pickles without a suffix too");
        else if (left_out_may_be_models(pattern))
            snprintf(lines->take_left_out, sizeof lines->take_left_out, "--pattern '+%s' takes %s too", pattern,
                     left_out->kinds.count > 1 ? "those" : "them");
        if (lines->take_left_out[0] != '\0')
            return;
    }
    if (left_out->files > 0)
        snprintf(lines->take_left_out, sizeof lines->take_left_out, "--pattern and --dir-pattern say what is a model");
}

/* A job of cron that does nothing must be noticed. */
static void warn_of_nothing(const CommandContext *context, const ModelList *models)
{
    Buf kinds = {0};
    const LeftOut *left_out = &models->left_out;
    for (uint32_t i = 0; i < models->count; i++)
        if (models->items[i].state != MODEL_SKIPPED)
            return;
    if (models->count > 0)
        log_loud_warning("%s: all %u models that were found are skipped", context->models_dir, (unsigned)models->count);
    else if (left_out->files > 0 && left_out_text(left_out, &kinds, NULL))
        log_loud_warning("%s: holds no model that --pattern takes; left out %llu files: %.*s", context->models_dir,
                         (unsigned long long)left_out->files, (int)kinds.len, kinds.data);
    buf_free(&kinds);
}

Lines command_tree_lines(const CommandContext *context, const ModelList *models)
{
    Lines lines = command_lines(context);
    const LeftOut *left_out = &models->left_out;
    lines.left_out = left_out;
    lines.take_hidden = "--hidden takes them too";
    say_how_to_take(left_out, &lines);
    for (size_t i = 0; i < left_out->notes.count; i++)
        log_line(LOG_WARN, "%s", left_out->notes.items[i]);
    if (context->options->quiet)
        warn_of_nothing(context, models);
    return lines;
}

bool command_flush(Err *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return errno != 0 ? err_set_errno(err, ERR_STOP, errno, "cannot write to standard output")
                      : err_set(err, ERR_STOP, "cannot write to standard output");
}

bool command_answers_in(const char *path)
{
    return path != NULL && userfile_is_stdout(path);
}

bool command_check_output(const Options *options, const char *option, const char *path, Err *err)
{
    if (!options->json || !command_answers_in(path))
        return true;
    err_set(err, ERR_USAGE, "--json and %s %s both write to standard output", option, path);
    return err_hint(err, "name a file with %s", option);
}

static const char *const *globs(const StringList *list)
{
    static const char *const none[] = {NULL};
    return list->items != NULL ? list->items : none;
}

/* What a table of versions has rows for. */
#define HEX "[0-9a-f]"
static const char *const only_versions[] = {"bertopic_model_" HEX HEX HEX HEX HEX HEX HEX HEX, NULL};

OnChange command_on_change(const Options *options)
{
    OnChange asked = (OnChange)options->on_change;
    return options->into != NULL && asked == CHANGE_NEW_VERSION ? CHANGE_FAIL : asked;
}

ScanRules command_scan_rules(const Options *options)
{
    bool narrow = options->into != NULL && options->include.count == 0;
    return (ScanRules){.patterns = globs(&options->pattern),
                       .dir_patterns = globs(&options->dir_pattern),
                       .includes = narrow ? only_versions : globs(&options->include),
                       .excludes = globs(&options->exclude),
                       .follow_links = options->follow_links,
                       .hidden = options->hidden,
                       .bare_pickles = options->preset > 0,
                       .keep_left_out = options->verbose > 0 && !options->json,
                       .patterns_asked = options->patterns_asked};
}

unsigned command_jobs(const Options *options)
{
    unsigned jobs = 2 * cpu_count();
    return options->jobs > 0 ? (unsigned)options->jobs : jobs < JOBS_MAX ? jobs : JOBS_MAX;
}

static const char *environment_url(void)
{
    static const char *const names[] = {"MIGRATE_MODELS_DATABASE_URL", "DATABASE_URL"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

static StoreTuning tuning_of(const Options *options)
{
    return (StoreTuning){
        .connect_timeout = options->connect_timeout, .timeout = options->timeout, .lock_timeout = options->lock_timeout};
}

static void warn_of_password(const char *url, const char *better)
{
    if (store_target_has_password(url))
        log_line(LOG_WARN, "a password on the command line can be seen by others while the program starts; better: %s", better);
}

/* *named: somebody says which. */
static bool choose_target(const Options *options, StoreTarget **out, bool *named, Err *err)
{
    const char *said = options->to != NULL ? options->to : options->dbname; /* of one command only one of them */
    const char *url = said != NULL ? said : environment_url();
    StoreTuning tuning = tuning_of(options);
    *named = true;
    if (url == NULL)
        return store_target_default(&tuning, out, named, err);
    if (said != NULL)
        warn_of_password(said, said == options->dbname ? password_ways : password_places);
    return store_target_new(url, &tuning, out, err);
}

static bool refuse_missing(const StoreTarget *target, bool named, Err *err)
{
    const char *label = store_target_label(target);
    if (named) {
        err_set(err, ERR_USAGE, "%s is not there", label);
        err_hint(err, "check the address, or make it");
    } else {
        err_set(err, ERR_USAGE, "no database is named, and %s is not there", label);
        err_hint(err, "%s, or make the file", database_ways);
    }
    return err_remedy(err, REMEDY_UPGRADE);
}

static void tell_choice(const StoreTarget *target, bool named, const char *state)
{
    const char *label = store_target_label(target), *comma = state[0] != '\0' ? ", which is " : "";
    if (!named)
        log_loud_warning("no database is named; the store is %s%s%s", label, comma, state);
    else if (state[0] != '\0')
        log_loud_warning("%s is %s", label, state);
}

bool command_target(const Command *command, const Options *options, StoreTarget **out, Err *err)
{
    StoreTarget *target;
    bool named;
    if (!choose_target(options, &target, &named, err))
        return false;
    if (options->into != NULL && !store_target_into(target, options->into, err)) {
        store_target_free(target);
        return false;
    }
    if ((command->needs & OPENS_NOTHING) != 0) {
        *out = target;
        return true;
    }
    bool missing = store_target_is_missing(target), makes = (command->needs & MAKES_STORE) != 0;
    if (missing && !makes) {
        refuse_missing(target, named, err);
        store_target_free(target);
        return false;
    }
    if (options->dry_run)
        store_target_may_be_missing(target);
    else if (makes)
        store_target_may_create(target);
    tell_choice(target, named, !missing ? "" : options->dry_run || options->from != NULL ? "not there yet" : "new");
    *out = target;
    return true;
}

bool command_source(const Options *options, StoreTarget **out, Err *err)
{
    StoreTuning tuning = tuning_of(options);
    warn_of_password(options->from, password_places);
    if (!store_target_new(options->from, &tuning, out, err))
        return false;
    if (!store_target_is_missing(*out))
        return true;
    err_set(err, ERR_USAGE, "%s is not there", store_target_label(*out));
    err_hint(err, "check the address");
    store_target_free(*out);
    return false;
}
