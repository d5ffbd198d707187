/* current.c: the command `db current`. */
#include <stdio.h>

#include "../commands.h"
#include "port/json.h"
#include "schema/schema.h"

typedef struct Current {
    CommandContext *context;
    SchemaState state;
} Current;

static bool ask_once(void *ctx, Err *err)
{
    Current *current = ctx;
    return schema_state(current->context->store, &current->state, err);
}

bool cmd_db_current(CommandContext *context, Err *err)
{
    Current current = {.context = context};
    if (!retry_step(&context->retry, &context->store, ask_once, &current, err))
        return false;
    const SchemaState *state = &current.state;
    if (context->options->json) {
        JsonLine *line = json_line_begin("current");
        json_line_string(line, "revision", state->current[0] != '\0' ? state->current : NULL);
        json_line_bool(line, "head", state->kind == SCHEMA_HEAD);
        return json_line_end(line, stdout, err);
    }
    printf("%s%s\n", state->current[0] != '\0' ? state->current : "base", state->kind == SCHEMA_HEAD ? " (head)" : "");
    return true;
}
