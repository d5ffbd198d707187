/* returns.c: a file that goes back to an older content (git revert, dvc checkout, cp) takes its readers along: the version that it
 * holds is live again. Not when a person decided: a file that still holds what it held by its newest record did not change, and
 * whatever is live stays. A source that no record names (another host, a row of another program) moves nothing either, so that two
 * hosts with different files do not take turns.
 *
 * Only names whose file is not the highest version, or of which the record has a line, are asked for. All of them are one
 * transaction; its lines in the record are the newest ones of their sources from then on. */
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/interrupt.h"
#include "flow/life.h"
#include "store/lifecycle.h"
#include "worker.h"

typedef enum Verdict {
    RETURN_NOTE,    /* another version is live, and no record tells that this source had it */
    RETURN_DECIDED, /* another version is live by a decision of somebody since */
    RETURN_LIVE,    /* it is live */
    RETURN_CAUGHT_UP, /* somebody made it live before the file went back: only the record is told */
    RETURN_MOVES      /* it goes live */
} Verdict;

typedef struct Candidate {
    Model *model;
    Verdict verdict;
    int32_t live, highest;
    bool is_held;
} Candidate;

typedef struct Returns {
    Run *run;
    VEC(Candidate) items; /* by name */
    char change_id[37];
    bool unknown; /* COMMIT was sent, and its answer was lost */
} Returns;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const Candidate *)a)->model->name, ((const Candidate *)b)->model->name);
}

static bool collect(Returns *returns, Err *err)
{
    ModelList *models = returns->run->models;
    for (uint32_t i = 0; i < models->count; i++) {
        if (models->items[i].state != MODEL_UNCHANGED || !models->items[i].may_return)
            continue;
        Candidate *candidate = vec_push(&returns->items, err);
        if (candidate == NULL)
            return false;
        *candidate = (Candidate){.model = &models->items[i]};
    }
    if (returns->items.count > 0)
        qsort(returns->items.items, returns->items.count, sizeof *returns->items.items, by_name);
    return true;
}

static bool judge(const Returns *returns, Candidate *candidate, Life *life, Err *err)
{
    const RunSettings *settings = returns->run->settings;
    Buf path = {0};
    if (!run_source_path(candidate->model, &path, err))
        return false;
    const LifeRow *before = life_of_source(life, returns->run->host, path.data);
    buf_free(&path);
    candidate->live = life_live(life);
    candidate->highest = life_latest(life);
    candidate->is_held = life_is_held(life);
    bool moves = settings->return_live && settings->activate && !candidate->is_held;
    bool is_live = candidate->live == candidate->model->version;
    if (before != NULL && before->version == candidate->model->version)
        candidate->verdict = is_live ? RETURN_LIVE : RETURN_DECIDED;
    else if (is_live)
        candidate->verdict = before != NULL && settings->return_live && settings->activate ? RETURN_CAUGHT_UP : RETURN_LIVE;
    else
        candidate->verdict =
            before != NULL && moves && life_want_live(life, candidate->model->version) ? RETURN_MOVES : RETURN_NOTE;
    return true;
}

/* --- the transaction --------------------------------------------------------------------------------------------------------- */

static bool write_return(const Returns *returns, Store *store, const Candidate *candidate, const Life *life, Err *err)
{
    const Run *run = returns->run;
    Buf path = {0}, actor = {0}, detail = {0};
    bool ok = run_source_path(candidate->model, &path, err) && buf_format(&actor, err, "%s@%s", run->user, run->host) &&
              life_detail(life, &detail, err) && buf_text(&detail, "}", err);
    for (size_t i = 0; ok && i < life->rows.count; i++) {
        const LifeRow *row = &life->rows.items[i];
        if (row->wanted != row->active)
            ok = store_set_active(store, life->name, row->version, row->wanted, err);
    }
    StoreEvent event = {.change_id = returns->change_id,
                        .action = "return",
                        .name = life->name,
                        .version = candidate->model->version,
                        .was_live = candidate->live,
                        .now_live = candidate->model->version,
                        .actor = actor.data,
                        .source_host = run->host,
                        .source_path = path.data,
                        .detail = detail.data};
    ok = ok && store_add_event(store, &event, err);
    buf_free(&path);
    buf_free(&actor);
    buf_free(&detail);
    return ok;
}

static bool writes(const Candidate *candidate)
{
    return candidate->verdict == RETURN_MOVES || candidate->verdict == RETURN_CAUGHT_UP;
}

/* Locked, when it is to be written. */
static bool look(Returns *returns, Store *store, Candidate *candidate, bool write, Err *err)
{
    Life life;
    if ((write && !store_lock_name(store, candidate->model->name, err)) || !life_load(store, candidate->model->name, &life, err))
        return false;
    life_want_as_is(&life);
    bool ok = interrupt_check(err) && judge(returns, candidate, &life, err);
    if (ok && write && writes(candidate))
        ok = write_return(returns, store, candidate, &life, err);
    life_free(&life);
    return ok;
}

static bool look_at_all(Returns *returns, Store *store, bool *moves, Err *err)
{
    bool ok = store_read_begin(store, err);
    *moves = false;
    for (size_t i = 0; ok && i < returns->items.count; i++) {
        ok = look(returns, store, &returns->items.items[i], false, err);
        *moves = *moves || (ok && writes(&returns->items.items[i]));
    }
    store_rollback(store);
    return ok;
}

/* Each is looked at again under its lock. */
static bool move_all(Returns *returns, Store *store, StoreOutcome *outcome, Err *err)
{
    bool ok = store_begin(store, err) && store_change_ready(store, err);
    for (size_t i = 0; ok && i < returns->items.count; i++)
        if (writes(&returns->items.items[i]))
            ok = look(returns, store, &returns->items.items[i], true, err);
    ok = ok && store_commit(store, outcome, err);
    if (!ok)
        store_rollback(store);
    return ok;
}

static bool was_applied(Returns *returns, Store *store, bool *applied, Err *err)
{
    bool ok = store_wait_writers(store, err) && store_read_begin(store, err) &&
              store_has_change(store, returns->change_id, applied, err);
    store_rollback(store);
    return ok;
}

static bool settle_once(void *ctx, Err *err)
{
    Returns *returns = ctx;
    Store *store = returns->run->store;
    bool moves = false, applied = false;
    if (returns->unknown && !was_applied(returns, store, &applied, err))
        return false;
    returns->unknown = false;
    if (applied)
        return true;
    StoreOutcome outcome = STORE_REFUSED;
    bool ok = look_at_all(returns, store, &moves, err);
    if (!ok || !moves || returns->run->settings->dry_run)
        return ok;
    ok = move_all(returns, store, &outcome, err);
    returns->unknown = !ok && outcome == STORE_UNKNOWN;
    return ok;
}

/* --- what is said ------------------------------------------------------------------------------------------------------------ */

static void say(const Returns *returns, const Candidate *candidate)
{
    Model *model = candidate->model;
    char live[32] = "none", newer[64 + STORE_NAME_MAX * 4] = "";
    bool is_older = candidate->highest > model->version;
    if (candidate->live != LIFE_NONE)
        snprintf(live, sizeof live, "version %d", (int)candidate->live);
    model->is_returned = candidate->verdict == RETURN_MOVES;
    if (is_older)
        snprintf(newer, sizeof newer, ", such as the newer %s@%d", model->name, (int)candidate->highest);
    if (candidate->verdict == RETURN_MOVES)
        model_refuse(model, MODEL_UNCHANGED,
                     "%s: has the content of %s@%d again; that version %s live again, and no longer %s; `activate` "
                     "chooses another one%s",
                     model->path, model->name, (int)model->version, returns->run->settings->dry_run ? "would be" : "is", live,
                     newer);
    else if (is_older)
        model_refuse(model, MODEL_UNCHANGED,
                     "%s: has the content of %s@%d, and the store has a newer %s@%d; live is %s%s; `activate` chooses another one",
                     model->path, model->name, (int)model->version, model->name, (int)candidate->highest, live,
                     candidate->verdict == RETURN_DECIDED ? ", by somebody's decision"
                     : candidate->is_held                 ? ", and the name is held"
                                                          : "");
}

bool returns_settle(Run *run, Err *err)
{
    Returns returns = {.run = run};
    id_new_uuid(returns.change_id);
    bool ok = collect(&returns, err);
    if (ok && returns.items.count > 0)
        ok = retry_step(run->settings->retry, &run->store, settle_once, &returns, err);
    for (size_t i = 0; ok && i < returns.items.count; i++)
        say(&returns, &returns.items.items[i]);
    free(returns.items.items);
    return ok;
}
