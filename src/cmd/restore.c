/* restore.c: the command `restore`. */
#include <errno.h>
#include <sys/stat.h>

#include "command.h"
#include "flow/progress.h"
#include "flow/restore.h"

static bool say_row(void *ctx, const StoredModel *model, RowStatus status, const char *reason, Err *err)
{
    return lines_restored(ctx, model, status, reason, err);
}

/* A mistyped folder is told before a store is made for it. */
bool cmd_restore_options(const Options *options, Err *err)
{
    struct stat st;
    for (size_t i = 0; i < options->arguments.count; i++)
        if (stat(options->arguments.items[i], &st) != 0 && errno == ENOENT)
            return err_set_errno(err, ERR_USAGE, errno, "%s", options->arguments.items[i]);
    return true;
}

bool cmd_restore(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    Lines lines = command_lines(context);
    RestoreSettings settings = {.backups = (const char *const *)options->arguments.items,
                                .backup_count = options->arguments.count,
                                .retry = &context->retry,
                                .state_dir = options->state_dir,
                                .batch_rows = (uint64_t)options->batch_rows,
                                .batch_bytes = options->batch_bytes,
                                .max_memory = options->max_memory,
                                .fn = say_row,
                                .ctx = &lines};
    RestoreResult result;
    bool ok = restore_run(&settings, &result, err);
    progress_stop();
    if (!ok)
        return false;
    context->exit_code = result.conflict_count + result.failed_count > 0 ? err_exit_code(ERR_SKIP) : 0;
    RestoreSummary summary = {.backups = result.folders,
                              .restored = result.restored_count,
                              .present = result.present_count,
                              .conflict = result.conflict_count,
                              .unconfirmed = result.unconfirmed_count,
                              .failed = result.failed_count,
                              .exit_code = context->exit_code};
    return lines_restore_summary(&lines, &summary, err);
}
