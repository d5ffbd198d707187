/* restore.c: the command `restore`. */
#include <stdio.h>

#include "commands.h"
#include "flow/restore.h"
#include "port/json.h"

static bool tell(const Options *options, const StoreTarget *target, const RestoreResult *result, int code, Err *err)
{
    if (options->json) {
        JsonLine *line = json_line_begin("summary");
        json_line_int(line, "backups", (int64_t)result->folders);
        json_line_int(line, "restored", (int64_t)result->restored_count);
        json_line_int(line, "present", (int64_t)result->present_count);
        json_line_int(line, "conflict", (int64_t)result->conflict_count);
        json_line_int(line, "failed", (int64_t)result->failed_count);
        json_line_string(line, "store", store_target_label(target));
        json_line_int(line, "exit_code", code);
        return json_line_end(line, stdout, err);
    }
    if (!options->quiet)
        printf("%llu rows restored from %llu backups to %s; %llu were there, %llu conflict, %llu refused\n",
               (unsigned long long)result->restored_count, (unsigned long long)result->folders, store_target_label(target),
               (unsigned long long)result->present_count, (unsigned long long)result->conflict_count,
               (unsigned long long)result->failed_count);
    return true;
}

bool cmd_restore(CommandContext *context, Err *err)
{
    const Options *options = context->options;
    RestoreSettings settings = {.backup = options->arguments.items[0],
                                .retry = &context->retry,
                                .state_dir = options->state_dir,
                                .batch_rows = (uint64_t)options->batch_rows,
                                .batch_bytes = options->batch_bytes,
                                .max_memory = options->max_memory};
    RestoreResult result;
    if (!restore_run(&settings, &result, err))
        return false;
    context->exit_code = result.conflict_count + result.failed_count > 0 ? err_exit_code(ERR_SKIP) : 0;
    return tell(options, context->retry.target, &result, context->exit_code, err);
}
