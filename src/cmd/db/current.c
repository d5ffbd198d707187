/* current.c: the command `db current`. */
#include "../command.h"
#include "apply.h"
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
    if (context->options->migrations != NULL)
        return team_current(context, err);
    Current current = {.context = context};
    Lines lines = command_lines(context);
    return retry_step(&context->retry, &context->store, ask_once, &current, err) &&
           lines_current(&lines, current.state.current, current.state.kind == SCHEMA_HEAD, err);
}
