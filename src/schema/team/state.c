#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "book.h"
#include "parts.h"

void migrate_state_free(MigrateState *state)
{
    free(state->applied);
    free(state->edited);
    free(state->done);
    free(state->heads.items);
    buf_free(&state->unknown);
    arena_free(&state->arena);
    *state = (MigrateState){0};
}

static bool read_book(Store *store, const char *table, MigrateState *state, BookRows *rows, Err *err)
{
    bool ok = database_step_begin(store, false, err) && book_heads(store, table, &state->arena, &state->heads, err) &&
              book_log(store, table, rows, err);
    database_rollback(store);
    return ok;
}

static bool knows_heads(const Revisions *set, const MigrateState *state)
{
    for (size_t i = 0; i < state->heads.count; i++)
        if (revisions_exact(set, state->heads.items[i]) == REVISION_NONE)
            return false;
    return true;
}

/* The parents of a row, with commas, into the arena of the set. */
static bool take_parents(Revisions *set, const char *down, RevisionNames *out, Err *err)
{
    for (const char *at = down; *at != '\0';) {
        size_t len = strcspn(at, ", ");
        if (len > 0 && !revision_names_add(out, arena_copy(&set->arena, at, len, err), err))
            return false;
        at += len + strspn(at + len, ", ");
    }
    return true;
}

static const char *copy(Revisions *set, const char *text, Err *err)
{
    return arena_copy(&set->arena, text, strlen(text), err);
}

/* A revision that is in no file any more, as the log has it: the way back. */
static bool add_recorded(Revisions *set, const BookRow *row, Err *err)
{
    Revision *item = vec_push(set, err);
    if (item == NULL)
        return false;
    *item = (Revision){.file = "the log", .is_recorded = true, .has_downgrade = row->downgrade != NULL};
    text_copy(item->checksum, sizeof item->checksum, row->checksum);
    item->text = copy(set, row->downgrade != NULL ? row->downgrade : "", err);
    item->downgrade_len = row->downgrade != NULL ? strlen(row->downgrade) : 0;
    item->id = copy(set, row->id, err);
    item->slug = copy(set, row->slug, err);
    item->message = copy(set, row->message, err);
    return item->text != NULL && item->id != NULL && item->slug != NULL && item->message != NULL &&
           take_parents(set, row->down, &item->parents, err) &&
           strmap_add(&set->by_id, item->id, (uint32_t)set->count - 1, NULL, err);
}

/* A head that is in no file is looked for in the log, with all that leads to it. */
static bool add_missing(Revisions *set, const BookRows *rows, Err *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (!rows->items[i].is_partial && revisions_exact(set, rows->items[i].id) == REVISION_NONE &&
            !add_recorded(set, &rows->items[i], err))
            return false;
    return revisions_connect(set, err);
}

static bool fill(const Revisions *set, const BookRows *rows, MigrateState *state, Err *err)
{
    for (size_t i = 0; i < state->heads.count; i++) {
        uint32_t index = revisions_exact(set, state->heads.items[i]);
        if (index != REVISION_NONE)
            state->applied[index] = true;
        else if (!buf_format(&state->unknown, err, "%s%s", state->unknown.len > 0 ? ", " : "", state->heads.items[i]))
            return false;
    }
    revisions_add_before(set, state->applied);
    for (size_t i = 0; i < rows->count; i++) {
        const BookRow *row = &rows->items[i];
        uint32_t index = revisions_exact(set, row->id);
        if (index == REVISION_NONE)
            continue;
        state->edited[index] = (state->applied[index] || row->is_partial) && strcmp(row->checksum, set->items[index].checksum) != 0;
        state->done[index] = row->is_partial && !state->applied[index] ? row->done : 0;
    }
    return true;
}

bool migrate_state(Store *store, Revisions *set, const char *table, MigrateState *out, Err *err)
{
    MigrateState state = {0};
    BookRows rows = {.arena = &state.arena};
    bool ok = read_book(store, table, &state, &rows, err) && (knows_heads(set, &state) || add_missing(set, &rows, err));
    state.applied = ok ? revisions_none(set, err) : NULL;
    state.edited = state.applied != NULL ? revisions_none(set, err) : NULL;
    state.done = state.edited != NULL ? calloc(set->count + 1, sizeof *state.done) : NULL;
    ok = ok && state.edited != NULL && (state.done != NULL || err_no_memory(err)) && fill(set, &rows, &state, err);
    free(rows.items);
    if (ok)
        *out = state;
    else
        migrate_state_free(&state);
    return ok;
}
