#include "flow/migrate.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "store/database.h"

#define GUARD_LOCK INT64_C(0x4d4d44420000a1e8) /* "MMDB", and the table */
#define PAUSE_LEAST_SECONDS 0.5
#define PAUSE_MORE_SECONDS 1.5
#define LOOK_SECONDS 0.1

/* --- looking ----------------------------------------------------------------------------------------------------------------- */

typedef struct Look {
    Retry *retry;
    Store **store;
    const char *folder;
    MigrateLookFn fn;
    void *ctx;
} Look;

static bool look_once(void *ctx, Err *err)
{
    const Look *look = ctx;
    Revisions set = {0};
    MigrateState state = {0};
    const StoreTarget *target = look->retry->target;
    bool ok = revisions_load(look->folder, store_traits(target)->dialect, database_sql_rules(target), &set, err) &&
              migrate_state(*look->store, &set, MIGRATE_TABLE, &state, err) && look->fn(look->ctx, *look->store, &set, &state, err);
    migrate_state_free(&state);
    revisions_free(&set);
    return ok;
}

bool migrate_look(Retry *retry, const char *folder, Store **store, MigrateLookFn fn, void *ctx, Err *err)
{
    Look look = {retry, store, folder, fn, ctx};
    return retry_step(retry, store, look_once, &look, err);
}

/* --- one revision ------------------------------------------------------------------------------------------------------------ */

typedef struct Run {
    const MigrateJob *job;
    Store *guard;
    bool again; /* the heads have moved: look anew */
} Run;

/* Not all at the same time, where several wait. */
static bool pause_a_little(Err *err)
{
    double until = clock_seconds() + PAUSE_LEAST_SECONDS + PAUSE_MORE_SECONDS * (double)(id_random64() % 1000) / 1000;
    for (double left; (left = until - clock_seconds()) > 0 && interrupt_signal() == 0;)
        clock_sleep(left < LOOK_SECONDS ? left : LOOK_SECONDS);
    return interrupt_check(err);
}

/* A lock that was not to be had, and a deadlock: the whole revision once more. A lost session is for whoever opened it. */
static bool step_with_patience(Run *run, Store *store, const Revisions *set, uint32_t index, MigrateState *state, Err *err)
{
    double end = clock_seconds() + run->job->lock_timeout;
    for (unsigned tries = 1;; tries++) {
        if (migrate_step(store, set, index, run->job->up, MIGRATE_TABLE, state, &run->again, err))
            return true;
        if (err->cls != ERR_RETRY || !store_alive(store))
            return false;
        if (clock_seconds() > end) {
            err->cls = ERR_UNREACHABLE;
            return err_prefix(err, "revision %s, %u tries", set->items[index].id, tries);
        }
        log_line(LOG_WARN, "revision %s, try %u: %s", set->items[index].id, tries, err->text);
        if (!pause_a_little(err))
            return false;
    }
}

/* --- the lock ---------------------------------------------------------------------------------------------------------------- */

/* In a session of its own, in a transaction that asks nothing more: the lock lasts as long as this process, behind a pooler too. */
static bool take_guard(Run *run, Err *err)
{
    if (!store_traits(run->job->retry->target)->many_writers || store_alive(run->guard))
        return true;
    store_close(run->guard);
    run->guard = NULL;
    if (!retry_open(run->job->retry, &run->guard, err))
        return false;
    if (database_begin_locked(run->guard, GUARD_LOCK, err))
        return true;
    if (err->cls == ERR_RETRY && store_alive(run->guard)) {
        err_set(err, ERR_LOCKED, "%s: another process is at the revisions of this database",
                store_target_label(run->job->retry->target));
        err_hint(err, "wait for it, or run this again when it is done");
    }
    return false;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------- */

static bool choose(const MigrateJob *job, const Revisions *set, const MigrateState *state, bool *chosen, size_t *count, Err *err)
{
    bool ok = job->up ? revisions_target(set, state->applied, job->target, chosen, err)
                      : revisions_undone(set, state->applied, job->target, chosen, err);
    *count = 0;
    for (size_t i = 0; ok && i < set->count; i++) {
        chosen[i] = chosen[i] && state->applied[i] != job->up;
        *count += chosen[i];
    }
    return ok && migrate_check(set, state, chosen, job->up, err);
}

static bool do_one(Run *run, Store *store, const Revisions *set, uint32_t index, MigrateState *state, Err *err)
{
    const MigrateJob *job = run->job;
    if (!interrupt_check(err))
        return false;
    if (!job->dry_run && !step_with_patience(run, store, set, index, state, err))
        return false;
    return run->again || job->fn(job->ctx, &set->items[index], err);
}

static bool look_and_run(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err)
{
    Run *run = ctx;
    size_t count;
    bool up = run->job->up, *chosen = revisions_none(set, err);
    run->again = false;
    bool ok = chosen != NULL && choose(run->job, set, state, chosen, &count, err) &&
              (count == 0 || run->job->dry_run || take_guard(run, err));
    for (uint32_t i = 0; ok && !run->again && i < set->count; i++) {
        uint32_t index = up ? i : (uint32_t)set->count - 1 - i;
        if (chosen[index])
            ok = do_one(run, store, set, index, state, err);
    }
    free(chosen);
    return ok;
}

bool migrate_run(const MigrateJob *job, Store **store, Err *err)
{
    Run run = {.job = job};
    bool ok;
    do {
        ok = migrate_look(job->retry, job->folder, store, look_and_run, &run, err);
    } while (ok && run.again);
    store_close(run.guard);
    return ok;
}
