/* runs.c: the record of a run in model_runs. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

static bool write_run(Postgres *pg, const StoreRun *run, const char *sql, int count, Err *err)
{
    StoreOutcome outcome;
    const uint64_t numbers[] = {run->new_count,    run->unchanged_count, run->conflict_count,
                                run->failed_count, run->raw_bytes,       run->stored_bytes};
    char digits[6][24], exit_code[16];
    char *host = postgres_note(pg, run->host), *user = postgres_note(pg, run->user_name), *dir = postgres_note(pg, run->models_dir);
    const char *params[12] = {run->run_id, host, user, dir, run->program_version};
    for (int i = 0; i < 6; i++) {
        snprintf(digits[i], sizeof digits[i], "%llu", (unsigned long long)numbers[i]);
        params[5 + i] = digits[i];
    }
    snprintf(exit_code, sizeof exit_code, "%d", run->exit_code);
    params[11] = exit_code;
    bool ok = (host != NULL && user != NULL && dir != NULL) || err_no_memory(err);
    ok = ok && postgres_begin(pg, true, err) && postgres_guard_write(pg, "model_runs", err) &&
         postgres_query(pg, sql, count, params, false, NULL, err) && postgres_commit(pg, &outcome, err);
    if (!ok)
        postgres_rollback(&pg->base);
    free(host);
    free(user);
    free(dir);
    return ok;
}

bool postgres_run_begin(Store *store, const StoreRun *run, Err *err)
{
    return write_run((Postgres *)store, run, sql_postgresql_run_begin, 5, err);
}

bool postgres_run_end(Store *store, const StoreRun *run, Err *err)
{
    return write_run((Postgres *)store, run, sql_postgresql_run_end, 12, err);
}
