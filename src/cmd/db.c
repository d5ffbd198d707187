/* db.c: the command `db`. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
#include "flow/signals.h"
#include "port/json.h"
#include "schema/schema.h"

static bool say_revision(const Options *options, const char *type, const StoreRevision *revision, Err *err)
{
    if (!options->json) {
        if (!options->quiet)
            printf("%s %s (%s)\n", type, revision->id, revision->slug);
        return true;
    }
    JsonLine *line = json_line_begin(type);
    json_line_string(line, "revision", revision->id);
    json_line_string(line, "slug", revision->slug);
    return json_line_end(line, stdout, err);
}

typedef struct Upgrade {
    const Options *options;
    unsigned applied;
} Upgrade;

static bool say_applied(void *ctx, const StoreRevision *revision, Err *err)
{
    Upgrade *upgrade = ctx;
    upgrade->applied++;
    return say_revision(upgrade->options, "applied", revision, err);
}

typedef struct Session {
    Store *store;
    Upgrade *upgrade;
    SchemaState state;
} Session;

static bool upgrade_once(void *ctx, Err *err)
{
    Session *session = ctx;
    return schema_upgrade(session->store, say_applied, session->upgrade, err);
}

static bool upgrade(const Options *options, Retry *retry, Err *err)
{
    Upgrade done = {.options = options};
    Session session = {.upgrade = &done};
    bool ok = retry_step(retry, &session.store, upgrade_once, &session, err);
    store_close(session.store);
    if (ok && done.applied == 0 && !options->json && !options->quiet)
        puts("nothing to do: the schema is at head");
    return ok;
}

static bool current_once(void *ctx, Err *err)
{
    Session *session = ctx;
    return schema_state(session->store, &session->state, err);
}

static bool current(const Options *options, Retry *retry, Err *err)
{
    Session session = {0};
    bool ok = retry_step(retry, &session.store, current_once, &session, err);
    store_close(session.store);
    const SchemaState *state = &session.state;
    if (!ok)
        return false;
    if (options->json) {
        JsonLine *line = json_line_begin("current");
        json_line_string(line, "revision", state->current[0] != '\0' ? state->current : NULL);
        json_line_bool(line, "head", state->kind == SCHEMA_HEAD);
        return json_line_end(line, stdout, err);
    }
    printf("%s%s\n", state->current[0] != '\0' ? state->current : "base", state->kind == SCHEMA_HEAD ? " (head)" : "");
    return true;
}

typedef struct SubCommand {
    const char *name;
    bool (*main)(const Options *options, Retry *retry, Err *err);
} SubCommand;

static const SubCommand sub_commands[] = {{"upgrade", upgrade}, {"current", current}};

static const SubCommand *find_sub_command(const Options *options, Err *err)
{
    const char *name = options->arguments.count == 1 ? options->arguments.items[0] : "";
    for (size_t i = 0; i < sizeof sub_commands / sizeof *sub_commands; i++)
        if (strcmp(sub_commands[i].name, name) == 0)
            return &sub_commands[i];
    err_set(err, ERR_USAGE, "usage: db upgrade|current");
    return NULL;
}

int cmd_db(const Options *options)
{
    StoreTarget *target = NULL;
    Err err = {0};
    const SubCommand *sub = find_sub_command(options, &err);
    bool ready = sub != NULL && command_target(options, &target, &err) && signals_start(&err);
    Retry retry = command_retry(options, target);
    int code = ready && sub->main(options, &retry, &err) ? 0 : command_fail(&err);
    store_target_free(target);
    return code;
}
