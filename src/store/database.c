#include "store/database.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "driver.h"

#define PAUSE_FIRST_SECONDS 0.05
#define PAUSE_MAX_SECONDS 1.0

const SqlRules *database_sql_rules(const StoreTarget *target)
{
    return &target->driver->sql;
}

bool database_begin(Store *store, bool write, Err *err)
{
    return store->driver->transaction_begin(store, write, err);
}

static bool try_lock(Store *store, int64_t lock, bool *taken, Err *err)
{
    bool ok = database_begin(store, true, err) && store->driver->try_lock(store, lock, taken, err);
    if (!ok || !*taken)
        database_rollback(store);
    return ok;
}

bool database_begin_locked(Store *store, int64_t lock, Err *err)
{
    double end = clock_seconds() + store->target->tuning.lock_timeout;
    for (double pause = PAUSE_FIRST_SECONDS;; pause = 2 * pause < PAUSE_MAX_SECONDS ? 2 * pause : PAUSE_MAX_SECONDS) {
        bool taken = false;
        if (!try_lock(store, lock, &taken, err))
            return false;
        if (taken)
            return true;
        if (clock_seconds() > end)
            return err_set(err, ERR_RETRY, "%s: another process is changing the tables", store_target_label(store->target));
        if (!interrupt_check(err))
            return false;
        clock_sleep(pause);
    }
}

bool database_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    return store_no_batch(store->driver->transaction_commit(store, outcome, err), ERR_SCHEMA, err);
}

void database_rollback(Store *store)
{
    store->driver->rollback(store);
}

bool database_run(Store *store, const char *script, size_t *position, Err *err)
{
    size_t ignored;
    return store_no_batch(store->driver->run_script(store, script, position != NULL ? position : &ignored, err), ERR_SCHEMA, err);
}

bool database_query(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx, Err *err)
{
    return store_no_batch(store->driver->query_text(store, sql, params, count, fn, ctx, err), ERR_SCHEMA, err);
}

bool database_step_begin(Store *store, bool write, Err *err)
{
    return store->driver->step_begin(store, write, err);
}

/* What a statement of ours would say about its rows, and which command mends it, is not true of other tables. */
bool database_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err)
{
    *position = 0;
    if (store->driver->step_run(store, statement, position, err))
        return true;
    if (err != NULL && err->cls != ERR_RETRY && err->cls != ERR_INTERRUPTED && err->cls != ERR_READ_ONLY)
        err->cls = ERR_STOP;
    return false;
}

bool database_step_end(Store *store, Err *err)
{
    return store->driver->step_end(store, err);
}

bool database_identifier(Buf *out, const char *name, Err *err)
{
    bool ok = buf_text(out, "\"", err);
    for (; ok && *name != '\0'; name++)
        ok = buf_append(out, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1, err);
    return ok && buf_text(out, "\"", err);
}

bool database_has_table(Store *store, const char *name, bool *has, Err *err)
{
    Buf quoted = {0};
    bool ok = database_identifier(&quoted, name, err) && store->driver->has_table(store, quoted.data, has, err);
    buf_free(&quoted);
    return ok;
}

bool database_is_blank(Store *store, bool *blank, Err *err)
{
    *blank = false;
    return store->driver->is_blank == NULL || store->driver->is_blank(store, blank, err);
}

bool database_inspect(Store *store, bool to_change, Err *err)
{
    return store->driver->inspect(store, to_change, err);
}
