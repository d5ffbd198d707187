/* state.c: `db current`, `db check`, `db stamp` and `db repair` of a folder of revisions. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "flow/migrate.h"
#include "report/revision_lines.h"

typedef struct State {
    CommandContext *context;
    Lines lines;
} State;

static bool look(CommandContext *context, MigrateLookFn fn, Err *err)
{
    State state = {context, command_lines(context)};
    return migrate_look(&context->retry, context->options->migrations, &context->store, fn, &state, err);
}

static bool print_current(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err)
{
    const State *work = ctx;
    (void)store;
    if (state->heads.count == 0)
        return lines_current(&work->lines, "", false, err);
    for (size_t i = 0; i < state->heads.count; i++) {
        uint32_t index = revisions_exact(set, state->heads.items[i]);
        bool is_head = index != REVISION_NONE && !set->items[index].is_recorded && !revisions_is_parent(set, index);
        if (!lines_current(&work->lines, state->heads.items[i], is_head, err))
            return false;
    }
    return true;
}

bool team_current(CommandContext *context, Err *err)
{
    return look(context, print_current, err);
}

static const char *problem_of(const Revisions *set, const MigrateState *state, uint32_t index)
{
    const Revision *revision = &set->items[index];
    if (revision->is_recorded)
        return state->applied[index] ? "unknown" : NULL;
    if (state->edited[index])
        return "edited";
    if (state->applied[index])
        return NULL;
    return state->done[index] > 0 ? "begun" : revision->draft ? "draft" : "pending";
}

static bool print_check(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err)
{
    State *work = ctx;
    (void)store;
    bool ok = true, sound = state->unknown.len == 0;
    if (!sound)
        ok = lines_state(&work->lines, "unknown", state->unknown.data, "", "", err);
    for (uint32_t i = 0; ok && i < set->count; i++) {
        const char *problem = problem_of(set, state, i);
        sound = sound && problem == NULL;
        if (problem != NULL)
            ok = lines_state(&work->lines, problem, set->items[i].id, set->items[i].message, set->items[i].file, err);
    }
    work->context->exit_code = sound ? 0 : EXIT_DIFFERENCES;
    return ok && (!sound || lines_nothing(&work->lines, true, err));
}

bool cmd_db_check(CommandContext *context, Err *err)
{
    return look(context, print_check, err);
}

/* The heads that the words name, and nothing of the database; one that no file has must be thrown away on purpose. */
static bool write_stamp(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err)
{
    const State *work = ctx;
    const Options *options = work->context->options;
    if (state->unknown.len > 0 && !options->purge) {
        err_set(err, ERR_SCHEMA, "the database is at %.*s, which %s does not have", (int)state->unknown.len, state->unknown.data,
                set->folder);
        return err_hint(err, "forget it with --purge");
    }
    bool *chosen = revisions_none(set, err), ok = chosen != NULL;
    for (size_t i = 0; ok && i < options->arguments.count; i++)
        ok = revisions_target(set, state->applied, options->arguments.items[i], chosen, err);
    ok = ok && migrate_stamp(store, set, chosen, MIGRATE_TABLE, err);
    free(chosen);
    return ok;
}

bool cmd_db_stamp(CommandContext *context, Err *err)
{
    return look(context, write_stamp, err) && look(context, print_current, err);
}

static bool is_named(const Options *options, const Revisions *set, uint32_t index)
{
    for (size_t i = 0; i < options->arguments.count; i++)
        if (revisions_find(set, options->arguments.items[i], NULL) == index)
            return true;
    return options->arguments.count == 0;
}

static bool check_names(const Options *options, const Revisions *set, Err *err)
{
    for (size_t i = 0; i < options->arguments.count; i++)
        if (revisions_find(set, options->arguments.items[i], err) == REVISION_NONE)
            return false;
    return true;
}

static bool accept_edits(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err)
{
    State *work = ctx;
    const Options *options = work->context->options;
    unsigned count = 0;
    bool ok = check_names(options, set, err);
    for (uint32_t i = 0; ok && i < set->count; i++) {
        if (!state->edited[i] || set->items[i].is_recorded || !is_named(options, set, i))
            continue;
        count++;
        ok = migrate_accept(store, &set->items[i], MIGRATE_TABLE, err) &&
             lines_step(&work->lines, "accepted", set->items[i].id, set->items[i].slug, err);
    }
    return ok && (count > 0 || lines_nothing(&work->lines, false, err));
}

bool cmd_db_repair(CommandContext *context, Err *err)
{
    return look(context, accept_edits, err);
}
