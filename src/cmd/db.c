/* db.c: the command `db`. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "command.h"
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

static int upgrade(const Options *options, Store *store)
{
    Upgrade done = {.options = options};
    Err err = {0};
    if (!schema_upgrade(store, say_applied, &done, &err))
        return command_fail(&err);
    if (done.applied == 0 && !options->json && !options->quiet)
        puts("nothing to do: the schema is at head");
    return 0;
}

static int current(const Options *options, Store *store)
{
    SchemaState state;
    Err err = {0};
    if (!schema_state(store, &state, &err))
        return command_fail(&err);
    if (options->json) {
        JsonLine *line = json_line_begin("current");
        json_line_string(line, "revision", state.current[0] != '\0' ? state.current : NULL);
        json_line_bool(line, "head", state.kind == SCHEMA_HEAD);
        return json_line_end(line, stdout, &err) ? 0 : command_fail(&err);
    }
    printf("%s%s\n", state.current[0] != '\0' ? state.current : "base", state.kind == SCHEMA_HEAD ? " (head)" : "");
    return 0;
}

typedef struct SubCommand {
    const char *name;
    int (*main)(const Options *options, Store *store);
} SubCommand;

static const SubCommand sub_commands[] = {{"upgrade", upgrade}, {"current", current}};

static const SubCommand *find_sub_command(const Options *options, Err *err)
{
    const char *name = options->arguments.count == 1 ? options->arguments.items[0] : "";
    for (size_t i = 0; i < sizeof sub_commands / sizeof *sub_commands; i++)
        if (strcmp(sub_commands[i].name, name) == 0)
            return &sub_commands[i];
    err_set(err, ERR_USAGE, "db wants one word: upgrade or current");
    return NULL;
}

int cmd_db(const Options *options)
{
    StoreTarget *target = NULL;
    Store *store = NULL;
    Err err = {0};
    const SubCommand *sub = find_sub_command(options, &err);
    int code;
    if (sub == NULL || !command_target(options, &target, &err)) {
        code = command_fail(&err);
    } else if (!store_open(target, &store, &err)) {
        code = command_fail(&err);
    } else {
        code = sub->main(options, store);
    }
    store_close(store);
    store_target_free(target);
    return code;
}
