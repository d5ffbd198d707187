/* upgrade.c: the command `db upgrade`. */
#include "../command.h"
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

bool cmd_db_upgrade(CommandContext *context, Err *err)
{
    Upgrade upgrade = {.context = context, .lines = command_lines(context)};
    return retry_step(&context->retry, &context->store, upgrade_once, &upgrade, err) &&
           lines_upgraded(&upgrade.lines, upgrade.applied, err);
}
