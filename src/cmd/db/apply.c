#include "apply.h"

#include "flow/migrate.h"
#include "report/revision_lines.h"

typedef struct Apply {
    Lines lines;
    const char *verb;
    unsigned count;
} Apply;

static bool say(void *ctx, const Revision *revision, Err *err)
{
    Apply *apply = ctx;
    apply->count++;
    return lines_step(&apply->lines, apply->verb, revision->id, revision->slug, err);
}

static bool apply(CommandContext *context, bool up, const char *target, Err *err)
{
    const Options *options = context->options;
    bool dry = options->dry_run;
    Apply work = {.lines = command_lines(context), .verb = up ? (dry ? "would apply" : "applied") : dry ? "would undo" : "undone"};
    MigrateJob job = {.retry = &context->retry,
                      .folder = options->migrations,
                      .target = options->arguments.count > 0 ? options->arguments.items[0] : target,
                      .up = up,
                      .dry_run = dry,
                      .lock_timeout = options->lock_timeout,
                      .fn = say,
                      .ctx = &work};
    return migrate_run(&job, &context->store, err) && (work.count > 0 || lines_nothing(&work.lines, up, err));
}

bool team_upgrade(CommandContext *context, Err *err)
{
    return apply(context, true, "head", err);
}

bool cmd_db_downgrade(CommandContext *context, Err *err)
{
    return apply(context, false, "-1", err);
}
