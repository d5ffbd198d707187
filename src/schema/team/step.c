#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/vec.h"
#include "book.h"
#include "parts.h"

typedef struct Step {
    Store *store;
    const Revisions *set;
    const Revision *revision;
    uint32_t index;
    bool up;
    const char *table;
    MigrateState *state;
    double begun;
} Step;

/* --- statements -------------------------------------------------------------------------------------------------------------- */

static bool fail_at(const Revision *revision, size_t at, Err *err)
{
    unsigned column, line = sql_line(revision->text, at, &column);
    return err_prefix(err, "%s:%u:%u", revision->file, line, column);
}

static SqlScan scan_of(const Step *step)
{
    const Revision *revision = step->revision;
    size_t start = step->up ? 0 : revision->downgrade_at, len = step->up ? revision->upgrade_len : revision->downgrade_len;
    return (SqlScan){.rules = step->set->rules, .text = revision->text, .len = start + len, .at = start};
}

static bool run_statement(const Step *step, const SqlStatement *statement, Err *err)
{
    size_t position;
    if (!interrupt_check(err))
        return false;
    if (database_step_run(step->store, statement, &position, err))
        return true;
    return fail_at(step->revision, (size_t)(statement->text - step->revision->text) + position, err);
}

static bool run_all(const Step *step, Err *err)
{
    SqlScan scan = scan_of(step);
    SqlStatement statement = {0};
    bool ok;
    while ((ok = sql_next_statement(&scan, &statement, err)) && statement.len > 0)
        if (!run_statement(step, &statement, err))
            return false;
    return ok;
}

/* --- heads ------------------------------------------------------------------------------------------------------------------- */

static size_t find(const RevisionNames *names, const char *id)
{
    size_t i = 0;
    while (i < names->count && strcmp(names->items[i], id) != 0)
        i++;
    return i;
}

static bool is_same(const RevisionNames *a, const RevisionNames *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = find(b, a->items[i]) < b->count;
    return same;
}

/* Are the heads what the plan was made for? The tables are there afterwards. */
static bool compare_heads(const Step *step, bool *moved, Err *err)
{
    Arena arena = {0};
    RevisionNames now = {0};
    bool ok = book_make(step->store, step->table, err) && book_heads(step->store, step->table, &arena, &now, err);
    *moved = ok && !is_same(&now, &step->state->heads);
    free(now.items);
    arena_free(&arena);
    return ok;
}

/* The heads that the step takes away and those that it makes, of the revision before it: a row changes only from what was read. */
static bool list_before(const Step *step, RevisionNames *out, Err *err)
{
    for (size_t k = 0; k < step->revision->before_count; k++) {
        uint32_t before = step->revision->before[k];
        const char *id = step->set->items[before].id;
        bool wanted = step->up ? find(&step->state->heads, id) < step->state->heads.count
                               : revisions_is_head(step->set, step->state->applied, before);
        if (wanted && find(out, id) == out->count && !revision_names_add(out, id, err))
            return false;
    }
    return true;
}

static bool change_rows(const Step *step, const RevisionNames *before, bool *done, Err *err)
{
    const char *id = step->revision->id;
    *done = true;
    if (before->count == 0)
        return step->up ? book_add(step->store, step->table, id, done, err) : book_drop(step->store, step->table, id, done, err);
    bool ok = book_move(step->store, step->table, step->up ? before->items[0] : id, step->up ? id : before->items[0], done, err);
    for (size_t i = 1; ok && *done && i < before->count; i++)
        ok = step->up ? book_drop(step->store, step->table, before->items[i], done, err)
                      : book_add(step->store, step->table, before->items[i], done, err);
    return ok;
}

static void remove_name(RevisionNames *names, const char *id)
{
    size_t at = find(names, id);
    if (at < names->count)
        names->items[at] = names->items[--names->count];
}

/* The heads in memory, which have room for all of them. */
static void change_memory(const Step *step, const RevisionNames *before)
{
    RevisionNames *heads = &step->state->heads;
    if (!step->up)
        remove_name(heads, step->revision->id);
    for (size_t i = 0; i < before->count; i++)
        if (step->up)
            remove_name(heads, before->items[i]);
        else
            heads->items[heads->count++] = before->items[i];
    if (step->up)
        heads->items[heads->count++] = step->revision->id;
}

/* Inside of the transaction: heads, log, COMMIT. */
static bool finish(const Step *step, bool *moved, Err *err)
{
    RevisionNames before = {0}, *heads = &step->state->heads;
    StoreOutcome outcome;
    bool done = false;
    step->state->applied[step->index] = step->up;
    bool ok = vec_reserve(heads, step->revision->before_count + 1, err) && list_before(step, &before, err) &&
              change_rows(step, &before, &done, err);
    if (ok && done)
        ok = step->up ? book_record(step->store, step->table, step->revision, -1, clock_seconds() - step->begun, err)
                      : book_forget(step->store, step->table, step->revision->id, err);
    ok = ok && (!done || database_commit(step->store, &outcome, err));
    *moved = ok && !done;
    if (ok && done)
        change_memory(step, &before);
    else
        step->state->applied[step->index] = !step->up;
    free(before.items);
    return ok;
}

/* --- with and without a transaction ------------------------------------------------------------------------------------------ */

static bool in_transaction(const Step *step, bool *moved, Err *err)
{
    bool ok = database_step_begin(step->store, true, err) && compare_heads(step, moved, err);
    if (ok && !*moved)
        ok = run_all(step, err) && database_step_end(step->store, err) && finish(step, moved, err);
    if (!ok || *moved)
        database_rollback(step->store);
    return ok;
}

static bool note_done(const Step *step, uint32_t done, bool *moved, Err *err)
{
    StoreOutcome outcome;
    bool ok = database_step_begin(step->store, true, err) && compare_heads(step, moved, err);
    if (ok && !*moved)
        ok = (!step->up || book_record(step->store, step->table, step->revision, (long)done, 0, err)) &&
             database_commit(step->store, &outcome, err);
    if (!ok || *moved)
        database_rollback(step->store);
    if (ok && !*moved && step->up)
        step->state->done[step->index] = done;
    return ok;
}

/* Statement by statement; what is done is recorded, and the next try goes on behind it. */
static bool without_transaction(const Step *step, bool *moved, Err *err)
{
    SqlScan scan = scan_of(step);
    SqlStatement statement = {0};
    uint32_t number = 0, done = step->up ? step->state->done[step->index] : 0;
    bool ok = note_done(step, done, moved, err);
    while (ok && !*moved && (ok = sql_next_statement(&scan, &statement, err)) && statement.len > 0)
        if (number++ >= done)
            ok = run_statement(step, &statement, err) && note_done(step, number, moved, err);
    if (!ok || *moved)
        return ok;
    ok = database_step_begin(step->store, true, err) && database_step_end(step->store, err) && finish(step, moved, err);
    if (!ok || *moved)
        database_rollback(step->store);
    return ok;
}

bool migrate_step(Store *store, const Revisions *set, uint32_t index, bool up, const char *table, MigrateState *state, bool *moved,
                  Err *err)
{
    Step step = {.store = store,
                 .set = set,
                 .revision = &set->items[index],
                 .index = index,
                 .up = up,
                 .table = table,
                 .state = state,
                 .begun = clock_seconds()};
    *moved = false;
    return step.revision->no_transaction ? without_transaction(&step, moved, err) : in_transaction(&step, moved, err);
}

/* --- without running anything ------------------------------------------------------------------------------------------------- */

static bool replace_heads(Store *store, const Revisions *set, const bool *chosen, const char *table, Err *err)
{
    Arena arena = {0};
    RevisionNames now = {0};
    bool done, ok = book_make(store, table, err) && book_heads(store, table, &arena, &now, err);
    for (size_t i = 0; ok && i < now.count; i++)
        ok = book_drop(store, table, now.items[i], &done, err);
    for (uint32_t i = 0; ok && i < set->count; i++)
        if (revisions_is_head(set, chosen, i))
            ok = book_add(store, table, set->items[i].id, &done, err);
    for (uint32_t i = 0; ok && i < set->count; i++)
        if (!chosen[i])
            ok = book_forget(store, table, set->items[i].id, err);
    free(now.items);
    arena_free(&arena);
    return ok;
}

bool migrate_stamp(Store *store, const Revisions *set, const bool *chosen, const char *table, Err *err)
{
    StoreOutcome outcome;
    bool ok = database_step_begin(store, true, err) && replace_heads(store, set, chosen, table, err) &&
              database_commit(store, &outcome, err);
    if (!ok)
        database_rollback(store);
    return ok;
}

bool migrate_accept(Store *store, const Revision *revision, const char *table, Err *err)
{
    StoreOutcome outcome;
    bool ok = database_step_begin(store, true, err) && book_accept(store, table, revision, err) &&
              database_commit(store, &outcome, err);
    if (!ok)
        database_rollback(store);
    return ok;
}
