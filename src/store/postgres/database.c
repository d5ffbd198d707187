/* database.c: what database.h asks for. */
#include "database.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"

#define PATIENT_SECONDS 1e9 /* keepalives tell when the server is gone */

bool postgres_transaction_begin(Store *store, bool write, Err *err)
{
    return postgres_begin((Postgres *)store, write, err);
}

bool postgres_transaction_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    Postgres *pg = (Postgres *)store;
    pg->shape_known = false;
    return postgres_commit(pg, outcome, err);
}

/* The first value of the answer is true. */
static bool ask_bool(Postgres *pg, const char *sql, const char *param, bool *out, Err *err)
{
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql, 1, &param, false, &answer, err))
        return false;
    *out = PQgetvalue(answer, 0, 0)[0] == 't';
    PQclear(answer);
    return true;
}

bool postgres_try_lock(Store *store, int64_t lock, bool *taken, Err *err)
{
    char number[24];
    snprintf(number, sizeof number, "%" PRId64, lock);
    /* The second query: what answered the first one keeps its snapshot until something else is asked, and CREATE INDEX CONCURRENTLY
     * of another session waits for that. */
    Postgres *pg = (Postgres *)store;
    return ask_bool(pg, sql_postgresql_try_lock, number, taken, err) && postgres_run(pg, "SELECT 1", err);
}

bool postgres_has_table(Store *store, const char *identifier, bool *has, Err *err)
{
    return ask_bool((Postgres *)store, sql_postgresql_has_table, identifier, has, err);
}

/* The server counts characters, from 1. */
static size_t byte_of_character(const char *text, size_t number)
{
    const char *at = text;
    if (number == 0)
        return SIZE_MAX;
    for (; *at != '\0' && number > 1; number--)
        for (at++; ((unsigned char)*at & 0xc0) == 0x80; at++)
            ;
    return (size_t)(at - text);
}

bool postgres_run_script(Store *store, const char *script, size_t *position, Err *err)
{
    Postgres *pg = (Postgres *)store;
    double patience = pg->patience;
    pg->patience = PATIENT_SECONDS;
    pg->error_at = 0;
    bool ok = postgres_run(pg, script, err);
    pg->patience = patience;
    *position = ok ? SIZE_MAX : byte_of_character(script, pg->error_at);
    return ok;
}

static bool emit(const PGresult *rows, int row, const char **values, DatabaseRowFn fn, void *ctx, Err *err)
{
    for (int i = 0; i < PQnfields(rows); i++)
        values[i] = PQgetisnull(rows, row, i) ? NULL : PQgetvalue(rows, row, i);
    return fn(ctx, values, (size_t)PQnfields(rows), err);
}

bool postgres_query_text(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx,
                         Err *err)
{
    PGresult *rows = NULL;
    if (!postgres_query((Postgres *)store, sql, (int)count, params, false, &rows, err))
        return false;
    const char **values = calloc((size_t)PQnfields(rows) + 1, sizeof *values);
    bool ok = values != NULL || err_no_memory(err);
    for (int i = 0; ok && fn != NULL && i < PQntuples(rows); i++)
        ok = emit(rows, i, values, fn, ctx, err);
    free(values);
    PQclear(rows);
    return ok;
}

/* The wait for a lock on a table is no silence, so the patience is at least as long as the server waits. */
static bool inspect_to_change(Postgres *pg, Err *err)
{
    double patience = pg->patience, lock_wait = pg->base.target->tuning.lock_timeout + 5;
    if (lock_wait > patience)
        pg->patience = lock_wait;
    bool ok = postgres_guard_change(pg, err);
    pg->patience = patience;
    return ok;
}

bool postgres_inspect(Store *store, bool to_change, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresShape shape;
    if (to_change)
        return inspect_to_change(pg, err);
    return postgres_guard_read(pg, err) && postgres_shape(pg, &shape, err) &&
           (!shape.has_digests || postgres_require_key(pg, &shape, err));
}
