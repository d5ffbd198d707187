/* change.c: the commands that change what is live, and what versions are called. */
#include <stdio.h>

#include "base/host.h"
#include "life.h"

const char *life_actor(void)
{
    static char actor[512];
    char user[200];
    if (actor[0] == '\0') {
        host_user(user, sizeof user);
        snprintf(actor, sizeof actor, "%s@%s", user, command_host());
    }
    return actor;
}

static bool say_change(void *ctx, const LifeChange *change, Err *err)
{
    return lines_life_change(ctx, change, err);
}

static bool change(CommandContext *context, LifeSettings settings, Err *err)
{
    const Options *options = context->options;
    Lines lines = command_lines(context);
    LifeResult result;
    settings.retry = &context->retry;
    settings.store = &context->store;
    settings.actor = life_actor();
    settings.reason = options->reason;
    settings.dry_run = options->dry_run;
    return life_change(&settings, say_change, &lines, &result, err) &&
           lines_life_summary(&lines, &result, options->dry_run, err);
}

/* All arguments are references. */
static LifeSettings with_refs(const CommandContext *context, LifeAction action)
{
    const StringList *arguments = &context->options->arguments;
    return (LifeSettings){.action = action, .refs = (const char *const *)arguments->items, .ref_count = arguments->count};
}

bool cmd_activate_options(const Options *options, Err *err)
{
    return options->if_live == NULL || options->arguments.count == 1 ||
           err_set(err, ERR_USAGE, "--if-live goes with one name");
}

bool cmd_activate(CommandContext *context, Err *err)
{
    LifeSettings settings = with_refs(context, LIFE_ACTIVATE);
    settings.if_live = context->options->if_live;
    return change(context, settings, err);
}

bool cmd_deactivate(CommandContext *context, Err *err)
{
    LifeSettings settings = with_refs(context, LIFE_DEACTIVATE);
    settings.allow_none = context->options->allow_none;
    return change(context, settings, err);
}

bool cmd_rollback(CommandContext *context, Err *err)
{
    LifeSettings settings = with_refs(context, LIFE_ROLLBACK);
    settings.no_hold = context->options->no_hold;
    return change(context, settings, err);
}

bool cmd_release(CommandContext *context, Err *err)
{
    return change(context, with_refs(context, LIFE_RELEASE), err);
}

bool cmd_alias_options(const Options *options, Err *err)
{
    const char *alias = options->arguments.items[1];
    if (life_alias_is_valid(alias))
        return true;
    err_set(err, ERR_USAGE, "\"%s\" is no alias", alias);
    return err_hint(err, "an alias has a letter from a to z first, then letters, digits, _ and -, 63 at most; latest, live, held, "
                         "pending and v1 are taken");
}

bool cmd_alias(CommandContext *context, Err *err)
{
    LifeSettings settings = with_refs(context, context->options->remove ? LIFE_UNALIAS : LIFE_ALIAS);
    settings.ref_count = 1;
    settings.alias = context->options->arguments.items[1];
    return change(context, settings, err);
}
