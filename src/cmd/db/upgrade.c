/* upgrade.c: the command `db upgrade`. */
#include <stdio.h>

#include "../commands.h"
#include "port/json.h"
#include "schema/schema.h"

typedef struct Upgrade {
    CommandContext *context;
    unsigned applied;
} Upgrade;

static bool say_applied(void *ctx, const StoreRevision *revision, Err *err)
{
    Upgrade *upgrade = ctx;
    const Options *options = upgrade->context->options;
    upgrade->applied++;
    if (!options->json) {
        if (!options->quiet)
            printf("applied %s (%s)\n", revision->id, revision->slug);
        return true;
    }
    JsonLine *line = json_line_begin("applied");
    json_line_string(line, "revision", revision->id);
    json_line_string(line, "slug", revision->slug);
    return json_line_end(line, stdout, err);
}

static bool upgrade_once(void *ctx, Err *err)
{
    Upgrade *upgrade = ctx;
    return schema_upgrade(upgrade->context->store, say_applied, upgrade, err);
}

bool cmd_db_upgrade(CommandContext *context, Err *err)
{
    Upgrade upgrade = {.context = context};
    if (!retry_step(&context->retry, &context->store, upgrade_once, &upgrade, err))
        return false;
    if (upgrade.applied == 0 && !context->options->json && !context->options->quiet)
        puts("nothing to do: the schema is at head");
    return true;
}
