/* upgrade.c: the command `db upgrade`. */
#include "../command.h"
#include "apply.h"
#include "schema/schema.h"

typedef struct Upgrade {
    CommandContext *context;
    Lines lines;
    unsigned applied;
} Upgrade;

static bool say_applied(void *ctx, const SchemaRevision *revision, Err *err)
{
    Upgrade *upgrade = ctx;
    upgrade->applied++;
    return lines_applied(&upgrade->lines, revision->id, revision->slug, err);
}

static bool upgrade_once(void *ctx, Err *err)
{
    Upgrade *upgrade = ctx;
    return schema_upgrade(upgrade->context->store, say_applied, upgrade, err);
}

/* Our own tables go to head, and only there. */
bool cmd_db_upgrade_options(const Options *options, Err *err)
{
    if (options->migrations != NULL || (options->arguments.count == 0 && !options->dry_run))
        return true;
    err_set(err, ERR_USAGE, "db upgrade: no folder of revisions is named");
    return err_hint(err, "usage: migrate_models_to_db db upgrade --migrations DIR [OPTIONS] [REV]; without a folder the tables of "
                         "this program are brought to head");
}

bool cmd_db_upgrade(CommandContext *context, Err *err)
{
    if (context->options->migrations != NULL)
        return team_upgrade(context, err);
    Upgrade upgrade = {.context = context, .lines = command_lines(context)};
    return retry_step(&context->retry, &context->store, upgrade_once, &upgrade, err) &&
           lines_upgraded(&upgrade.lines, upgrade.applied, err);
}
