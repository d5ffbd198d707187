#include "model/life.h"

#include <stdlib.h>
#include <string.h>

void life_free(Life *life)
{
    free(life->rows.items);
    free(life->events.items);
    free(life->aliases.items);
    arena_free(&life->strings);
    *life = (Life){0};
}

LifeRow *life_row(const Life *life, int32_t version)
{
    for (size_t i = 0; i < life->rows.count; i++)
        if (life->rows.items[i].version == version)
            return &life->rows.items[i];
    return NULL;
}

int32_t life_live(const Life *life)
{
    for (size_t i = life->rows.count; i-- > 0;)
        if (life->rows.items[i].active)
            return life->rows.items[i].version;
    return LIFE_NONE;
}

int32_t life_latest(const Life *life)
{
    return life->rows.count > 0 ? life->rows.items[life->rows.count - 1].version : LIFE_NONE;
}

const LifeAlias *life_alias(const Life *life, const char *alias)
{
    for (size_t i = 0; i < life->aliases.count; i++)
        if (strcmp(life->aliases.items[i].alias, alias) == 0)
            return &life->aliases.items[i];
    return NULL;
}

bool life_is_held(const Life *life)
{
    return life_alias(life, LIFE_HELD) != NULL;
}

bool life_alias_is_valid(const char *alias)
{
    static const char *const ours[] = {"latest", "live", LIFE_HELD, LIFE_PENDING};
    size_t len = strlen(alias);
    if (len < 1 || len > 63 || alias[0] < 'a' || alias[0] > 'z' || strspn(alias, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len)
        return false;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(alias, ours[i]) == 0)
            return false;
    return alias[0] != 'v' || len == 1 || strspn(alias + 1, "0123456789") != len - 1;
}

/* --- what was live, from the first to now ------------------------------------------------------------------------------------ */

/* Versions that were live, the last one on top. */
typedef struct Stack {
    int32_t *items;
    size_t count, cap;
} Stack;

static int32_t top(const Stack *stack)
{
    return stack->count > 0 ? stack->items[stack->count - 1] : LIFE_NONE;
}

static bool push(Stack *stack, int32_t version, Err *err)
{
    if (version == LIFE_NONE || version == top(stack))
        return true;
    int32_t *item = vec_push(stack, err);
    if (item != NULL)
        *item = version;
    return item != NULL;
}

/* Down to the version, if it was ever live. */
static bool pop_to(Stack *stack, int32_t version)
{
    for (size_t i = stack->count; i-- > 0;)
        if (stack->items[i] == version) {
            stack->count = i + 1;
            return true;
        }
    return false;
}

/* Is the version in the list of those that this change made inactive? The detail may be anybody's text. */
static bool made_inactive(const LifeEvent *event, int32_t version)
{
    static const char key[] = "\"" LIFE_OFF "\"";
    const char *at = event->detail != NULL ? strstr(event->detail, key) : NULL;
    at = at != NULL ? strchr(at, '[') : NULL;
    while (at != NULL && (*at == '[' || *at == ',')) {
        char *end;
        if (strtoll(at + 1, &end, 10) == version && end != at + 1)
            return true;
        at = end + strspn(end, " ");
    }
    return false;
}

/* Was the row ever active, as far as can be known? Rows that were stored inactive and never made live are no way back. */
static bool was_active(const Life *life, const LifeRow *row)
{
    for (size_t i = 0; i < life->events.count; i++) {
        const LifeEvent *event = &life->events.items[i];
        if (event->was_live == row->version || event->now_live == row->version || made_inactive(event, row->version))
            return true;
    }
    return row->active;
}

/* Versions go live by being stored, and no event tells: those above the top, up to `live`, that were stored after `since`. */
static bool push_stored(const Life *life, Stack *stack, int32_t live, int64_t since, Err *err)
{
    if (live <= top(stack))
        return push(stack, live, err);
    int32_t from = top(stack);
    for (size_t i = 0; i < life->rows.count; i++) {
        const LifeRow *row = &life->rows.items[i];
        if (row->version > from && row->version < live && row->at_us > since && was_active(life, row) &&
            !push(stack, row->version, err))
            return false;
    }
    return push(stack, live, err);
}

static bool replay_event(const Life *life, Stack *stack, const LifeEvent *event, int64_t since, Err *err)
{
    if (event->was_live == event->now_live || strcmp(event->action, "prune") == 0)
        return true;
    if (event->was_live != top(stack) && !push_stored(life, stack, event->was_live, since, err))
        return false;
    bool back = strcmp(event->action, "rollback") == 0 || strcmp(event->action, "deactivate") == 0;
    if (back && pop_to(stack, event->now_live))
        return true;
    if (back && stack->count > 0)
        stack->count--;
    return push(stack, event->now_live, err);
}

/* What was live before, the live one on top. */
static bool replay(const Life *life, Stack *stack, Err *err)
{
    int32_t live = life_live(life);
    int64_t since = 0;
    for (size_t i = 0; i < life->events.count; since = life->events.items[i++].at_us)
        if (!replay_event(life, stack, &life->events.items[i], since, err))
            return false;
    if (live == top(stack))
        return true;
    if (live < top(stack) && pop_to(stack, live)) /* somebody deactivated what was above it, by hand */
        return true;
    return push_stored(life, stack, live, since, err);
}

static int32_t highest_active_below(const Life *life, int32_t version)
{
    for (size_t i = life->rows.count; i-- > 0;)
        if (life->rows.items[i].active && life->rows.items[i].version < version)
            return life->rows.items[i].version;
    return LIFE_NONE;
}

bool life_rollback_target(const Life *life, int32_t *target, bool *known, Err *err)
{
    Stack stack = {0};
    int32_t live = life_live(life);
    *target = LIFE_NONE;
    *known = false;
    if (!replay(life, &stack, err)) {
        free(stack.items);
        return false;
    }
    for (size_t i = stack.count; i-- > 0 && *target == LIFE_NONE;)
        if (stack.items[i] != live && life_row(life, stack.items[i]) != NULL)
            *target = stack.items[i];
    free(stack.items);
    *known = *target != LIFE_NONE;
    if (!*known)
        *target = highest_active_below(life, live);
    return true;
}

/* --- decisions --------------------------------------------------------------------------------------------------------------- */

void life_want_as_is(Life *life)
{
    for (size_t i = 0; i < life->rows.count; i++)
        life->rows.items[i].wanted = life->rows.items[i].active;
}

bool life_want_live(Life *life, int32_t version)
{
    LifeRow *row = life_row(life, version);
    if (row == NULL)
        return false;
    for (size_t i = 0; i < life->rows.count; i++) {
        LifeRow *each = &life->rows.items[i];
        each->wanted = each->version == version || (each->active && each->version < version);
    }
    return true;
}

bool life_want_inactive(Life *life, int32_t version)
{
    LifeRow *row = life_row(life, version);
    if (row != NULL)
        row->wanted = false;
    return row != NULL;
}

int32_t life_wanted_live(const Life *life)
{
    for (size_t i = life->rows.count; i-- > 0;)
        if (life->rows.items[i].wanted)
            return life->rows.items[i].version;
    return LIFE_NONE;
}

bool life_is_changed(const Life *life)
{
    for (size_t i = 0; i < life->rows.count; i++)
        if (life->rows.items[i].wanted != life->rows.items[i].active)
            return true;
    return false;
}

static bool list_flags(const Life *life, Buf *out, bool on, Err *err)
{
    bool ok = true, first = true;
    for (size_t i = 0; ok && i < life->rows.count; i++) {
        const LifeRow *row = &life->rows.items[i];
        if (row->wanted == row->active || row->wanted != on)
            continue;
        ok = buf_format(out, err, "%s%d", first ? "" : ",", (int)row->version);
        first = false;
    }
    return ok;
}

bool life_detail(const Life *life, Buf *out, Err *err)
{
    return buf_text(out, "{\"" LIFE_OFF "\":[", err) && list_flags(life, out, false, err) && buf_text(out, "],\"on\":[", err) &&
           list_flags(life, out, true, err) && buf_text(out, "]", err);
}

/* --- what must stay ---------------------------------------------------------------------------------------------------------- */

static bool is_source(const char *host, const char *path, const char *wanted_host, const char *wanted_path)
{
    return strcmp(path, wanted_path) == 0 && strcmp(host, wanted_host) == 0;
}

const LifeRow *life_of_source(const Life *life, const char *host, const char *path)
{
    const LifeRow *newest = NULL;
    int64_t at = 0;
    if (path[0] == '\0')
        return NULL;
    for (size_t i = 0; i < life->rows.count; i++) {
        const LifeRow *row = &life->rows.items[i];
        if (is_source(row->source_host, row->source_path, host, path) && (newest == NULL || row->at_us >= at)) {
            newest = row;
            at = row->at_us;
        }
    }
    for (size_t i = 0; i < life->events.count; i++) {
        const LifeEvent *event = &life->events.items[i];
        const LifeRow *row = strcmp(event->action, "return") == 0 ? life_row(life, event->version) : NULL;
        if (row != NULL && is_source(event->source_host, event->source_path, host, path) &&
            (newest == NULL || event->at_us >= at)) {
            newest = row;
            at = event->at_us;
        }
    }
    return newest;
}

/* Is it what some source held last? Each source that is recorded is asked. */
static bool is_held_by_a_source(const Life *life, const LifeRow *row)
{
    if (life_of_source(life, row->source_host, row->source_path) == row)
        return true;
    for (size_t i = 0; i < life->events.count; i++) {
        const LifeEvent *event = &life->events.items[i];
        if (strcmp(event->action, "return") == 0 && life_of_source(life, event->source_host, event->source_path) == row)
            return true;
    }
    return false;
}

bool life_keep(const Life *life, const LifeRow *row, unsigned *why, Err *err)
{
    int32_t target;
    bool known;
    if (!life_rollback_target(life, &target, &known, err))
        return false;
    *why = (row->version == life_live(life) ? LIFE_KEEP_LIVE : 0) | (row->version == target ? LIFE_KEEP_TARGET : 0) |
           (is_held_by_a_source(life, row) ? LIFE_KEEP_SOURCE : 0);
    for (size_t i = 0; i < life->aliases.count; i++) {
        const LifeAlias *alias = &life->aliases.items[i];
        if (alias->version == row->version)
            *why |= strcmp(alias->alias, LIFE_HELD) == 0      ? LIFE_KEEP_HELD
                    : strcmp(alias->alias, LIFE_PENDING) == 0 ? LIFE_KEEP_PENDING
                                                              : LIFE_KEEP_ALIAS;
    }
    return true;
}
