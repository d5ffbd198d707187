/* run.c: the command `run`. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "cmd/command.h"
#include "flow/run.h"
#include "flow/signals.h"

static unsigned default_jobs(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    long jobs = cpus > 0 ? 2 * cpus : 2;
    return (unsigned)(jobs < 16 ? jobs : 16);
}

static const char *const no_globs[] = {NULL};

static const char *const *globs(const StringList *list)
{
    return list->items != NULL ? list->items : no_globs;
}

static RunSettings make_settings(const Options *options, const StoreTarget *target)
{
    return (RunSettings){
        .models_dir = options->arguments.count > 0 ? options->arguments.items[0] : "./models",
        .target = target,
        .state_dir = options->state_dir,
        .backup_dir = options->backup_dir,
        .backup = (BackupMode)options->backup,
        .scan = {.patterns = globs(&options->pattern),
                 .dir_patterns = globs(&options->dir_pattern),
                 .includes = globs(&options->include),
                 .excludes = globs(&options->exclude),
                 .follow_links = options->follow_links},
        .map_file = options->map,
        .on_change = (OnChange)options->on_change,
        .level = (int)options->level,
        .jobs = options->jobs > 0 ? (unsigned)options->jobs : default_jobs(),
        .batch_rows = (uint64_t)options->batch_rows,
        .batch_bytes = options->batch_bytes,
        .max_memory = options->max_memory,
        .inline_limit = options->inline_limit,
        .retries = (unsigned)options->retries,
        .activate = !options->no_activate,
        .checksum = options->checksum,
        .dry_run = options->dry_run,
        .upgrade = options->upgrade,
        .show_progress = !options->quiet && isatty(STDERR_FILENO),
    };
}

/* The reasons of what was not stored, for people; JSON has them in its lines. */
static void log_reasons(const ModelList *models)
{
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        LogLevel level = model->state == MODEL_SKIPPED ? LOG_WARN : LOG_ERROR;
        if (model->state == MODEL_FAILED || model->state == MODEL_CONFLICT || model->state == MODEL_SKIPPED)
            log_line(level, "%s", model->reason != NULL ? model->reason : model->path);
    }
}

static bool report(const Options *options, const ModelList *models, const RunSummary *summary, bool finished, Err *err)
{
    ReportFormat format = options->json ? REPORT_JSON : REPORT_TEXT;
    bool all = (options->verbose > 0 || options->dry_run) && !options->quiet;
    bool show_summary = options->json || (!options->quiet && (finished || models->count > 0));
    log_reasons(models);
    return report_models(stdout, models, format, all, err) && (!show_summary || report_summary(stdout, summary, format, err));
}

static int finish(const Options *options, bool ok, const Err *err, const RunSummary *summary)
{
    if (ok)
        return summary->exit_code;
    log_err(LOG_ERROR, err);
    if (summary->pending_count > 0 || err->cls == ERR_INTERRUPTED)
        log_line(LOG_ERROR, "what is stored stays stored; to go on, run the same command again%s", options->dry_run ? "" : " (nothing is stored twice)");
    return summary->exit_code;
}

/* A forgotten -d must not print the password of the address. */
static bool check_arguments(const StringList *arguments, Err *err)
{
    for (size_t i = 0; i < arguments->count; i++) {
        if (strstr(arguments->items[i], "://") != NULL || strstr(arguments->items[i], "password=") != NULL) {
            err_set(err, ERR_USAGE, "a database address stands where the folder is expected");
            return err_hint(err, "name the database with -d");
        }
    }
    return arguments->count <= 1 || err_set(err, ERR_USAGE, "one folder at a time: \"%s\" is too much", arguments->items[1]);
}

int cmd_run(const Options *options)
{
    StoreTarget *target = NULL;
    ModelList models = {0};
    RunSummary summary = {0};
    Err err = {0}, report_err = {0};
    int code;
    if (!check_arguments(&options->arguments, &err))
        return command_fail(&err);
    if (!command_target(options, &target, &err) || !signals_start(&err)) {
        code = command_fail(&err);
        goto out;
    }
    RunSettings settings = make_settings(options, target);
    bool ok = run_models(&settings, &models, &summary, &err);
    bool told = report(options, &models, &summary, ok, &report_err);
    code = finish(options, ok, &err, &summary);
    if (!told && code == 0)
        code = command_fail(&report_err);
out:
    model_list_free(&models);
    store_target_free(target);
    return code;
}
