/* run.c: the command `run`. */
#include "base/interrupt.h"
#include "base/log.h"
#include "command.h"
#include "flow/progress.h"
#include "flow/run.h"
#include "remedy.h"

static RunSettings make_settings(CommandContext *context)
{
    const Options *options = context->options;
    return (RunSettings){
        .models_dir = context->models_dir,
        .retry = &context->retry,
        .state_dir = options->state_dir,
        .backup_dir = options->backup_dir,
        .backup = options->into != NULL ? BACKUP_NONE : (BackupMode)options->backup, /* which could not be restored there */
        .scan = command_scan_rules(options),
        .map_file = options->map,
        .on_change = command_on_change(options),
        .payload = (PayloadForm)options->payload,
        .level = (int)options->level,
        .jobs = command_jobs(options),
        .batch_rows = (uint64_t)options->batch_rows,
        .batch_bytes = options->batch_bytes,
        .max_memory = options->max_memory,
        .inline_limit = options->inline_limit,
        .activate = !options->no_activate,
        .return_live = options->on_return == 0,
        .checksum = options->checksum,
        .dry_run = options->dry_run,
        .upgrade = options->upgrade,
        .min_age = options->min_age,
        .verify_stored = options->verify_stored,
    };
}

/* However quiet: files of which the store has newer versions are what a crontab must not hide. */
static void tell_older(const ModelList *models)
{
    const Model *first = NULL;
    size_t more = 0;
    for (uint32_t i = 0; i < models->count; i++)
        if (models->items[i].is_older && !models->items[i].is_returned && models->items[i].reason != NULL && first == NULL)
            first = &models->items[i];
        else
            more += models->items[i].is_older && !models->items[i].is_returned && models->items[i].reason != NULL;
    if (first != NULL && more == 0)
        log_loud_warning("%s", first->reason);
    else if (first != NULL)
        log_loud_warning("%s (and %zu more like it)", first->reason, more);
}

/* The reasons of single models, for people; JSON has them in its lines. */
static void log_reasons(const ModelList *models)
{
    for (uint32_t i = 0; i < models->count; i++) {
        const Model *model = &models->items[i];
        bool is_error = model->state == MODEL_FAILED || model->state == MODEL_CONFLICT;
        if (is_error || model->state == MODEL_SKIPPED || model->reason != NULL)
            log_line(is_error ? LOG_ERROR : LOG_WARN, "%s", model->reason != NULL ? model->reason : model->path);
    }
}

static bool report(CommandContext *context, const SourceTree *tree, const ModelList *models, const RunSummary *summary,
                   bool finished, Err *err)
{
    const Options *options = context->options;
    progress_stop();
    Lines lines = command_tree_lines(context, models);
    lines.verbose = (options->verbose > 0 || options->dry_run) && !options->quiet;
    bool show_summary = options->json || (!options->quiet && (finished || models->count > 0));
    log_reasons(models);
    if (options->quiet)
        tell_older(models);
    if (summary->schema_missing && !store_target_is_missing(context->retry.target))
        log_line(LOG_WARN, "the tables are not there yet or not at head: use run --upgrade, or db upgrade first");
    return lines_run_models(&lines, models, tree->map, err) && (!show_summary || lines_run_summary(&lines, summary, err));
}

static int finish(const Options *options, bool ok, const Err *err, const RunSummary *summary)
{
    if (ok)
        return summary->exit_code;
    remedy_log(err, options);
    const char *kept = summary->new_count > 0 && !options->dry_run ? "the models stored so far are kept; " : "";
    if (err->cls == ERR_INTERRUPTED || (summary->pending_count > 0 && err->cls == ERR_UNREACHABLE))
        log_line(LOG_ERROR, "%srun the same command again to continue%s", kept,
                 options->dry_run ? "" : " (nothing is stored twice)");
    else if (kept[0] != '\0')
        log_line(LOG_ERROR, "%swhen that is mended, the same command continues (nothing is stored twice)", kept);
    return summary->exit_code;
}

bool cmd_run(CommandContext *context, Err *err)
{
    RunSettings settings = make_settings(context);
    SourceTree tree = {.root = -1};
    ModelList models = {0};
    RunSummary summary = {0};
    Err run_err = {0};
    bool ok = run_models(&settings, &tree, &models, &summary, &run_err);
    bool told = report(context, &tree, &models, &summary, ok, err);
    context->exit_code = finish(context->options, ok, &run_err, &summary);
    source_tree_close(&tree);
    model_list_free(&models);
    if (!told && context->exit_code != 0 && context->exit_code != err_exit_code(ERR_SKIP)) {
        remedy_log(err, context->options);
        return true;
    }
    return told;
}
