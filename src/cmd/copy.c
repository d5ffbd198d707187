/* copy.c: the command `copy`. */
#include "command.h"
#include "flow/copy.h"
#include "flow/progress.h"
#include "option_table.h"

bool cmd_copy_options(const Options *options, Err *err)
{
    if (options->from != NULL && options->to != NULL)
        return true;
    err_set(err, ERR_USAGE, "copy needs --from and --to");
    return err_hint(err, "for example: %s", copy_example);
}

static bool say_row(void *ctx, const StoredModel *model, RowStatus status, const char *reason, Err *err)
{
    return lines_copied(ctx, model, status, reason, err);
}

static bool copy_from(CommandContext *context, const StoreTarget *from, CopySummary *out, Err *err)
{
    const Options *options = context->options;
    Lines lines = command_lines(context);
    Retry retry = {.target = from, .retries = context->retry.retries, .wait_seconds = context->retry.wait_seconds};
    CopySettings settings = {.from = &retry,
                             .to = &context->retry,
                             .globs = options->arguments.items,
                             .glob_count = options->arguments.count,
                             .live_only = options->live_only,
                             .activate = options->activate,
                             .dry_run = options->dry_run,
                             .upgrade = options->upgrade,
                             .state_dir = options->state_dir,
                             .batch_rows = (uint64_t)options->batch_rows,
                             .batch_bytes = options->batch_bytes,
                             .max_memory = options->max_memory,
                             .inline_limit = options->inline_limit,
                             .fn = say_row,
                             .ctx = &lines};
    bool ok = copy_run(&settings, out, err);
    progress_stop();
    if (!ok)
        return false;
    out->exit_code = context->exit_code = out->conflict + out->failed > 0 ? err_exit_code(ERR_SKIP) : 0;
    return lines_copy_summary(&lines, out, err);
}

bool cmd_copy(CommandContext *context, Err *err)
{
    StoreTarget *from;
    CopySummary summary;
    if (!command_source(context->options, &from, err))
        return false;
    bool ok = copy_from(context, from, &summary, err);
    store_target_free(from);
    return ok;
}
