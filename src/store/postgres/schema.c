/* schema.c: the record of our revisions, and how one is applied. */
#include "calls.h"
#include "guard.h"

#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"

static bool report_applied(Postgres *pg, StoreAppliedFn fn, void *ctx, Err *err)
{
    PGresult *rows = NULL;
    if (!postgres_query(pg, sql_postgresql_revisions_applied, 0, NULL, false, &rows, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < PQntuples(rows); i++)
        ok = fn(ctx, PQgetvalue(rows, i, 0), PQgetvalue(rows, i, 1), err);
    PQclear(rows);
    return ok;
}

bool postgres_schema_applied(Store *store, StoreAppliedFn fn, void *ctx, bool *has_models, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresShape shape;
    bool ok = postgres_begin(pg, false, err) && postgres_guard_read(pg, err) && postgres_shape(pg, &shape, err);
    if (ok)
        *has_models = shape.has_models;
    if (ok && shape.has_revisions)
        ok = report_applied(pg, fn, ctx, err) && (!shape.has_digests || postgres_require_key(pg, &shape, err));
    postgres_rollback(store);
    return ok;
}

/* Is it applied, and is what it stands on? */
static bool ask_applied(Postgres *pg, const StoreRevision *revision, bool *there, Err *err)
{
    const char *params[] = {revision->id, revision->down_id};
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql_postgresql_revisions_has, 2, params, false, &answer, err))
        return false;
    *there = PQgetvalue(answer, 0, 0)[0] == 't';
    bool based = PQgetvalue(answer, 0, 1)[0] == 't';
    PQclear(answer);
    return *there || based || err_set(err, ERR_SCHEMA, "revision %s cannot be applied before %s", revision->id, revision->down_id);
}

static bool apply(Postgres *pg, const StoreRevision *revision, Err *err)
{
    const char *params[] = {revision->id, revision->slug, revision->checksum};
    return postgres_run(pg, revision->upgrade, err) &&
           postgres_query(pg, sql_postgresql_revisions_add, 3, params, false, NULL, err);
}

/* A wait for the lock of another upgrade is no silence, so the patience is at least as long as the server waits. */
bool postgres_schema_upgrade(Store *store, const StoreRevision *revision, bool *applied, Err *err)
{
    Postgres *pg = (Postgres *)store;
    double patience = pg->patience, lock_wait = store->target->tuning.lock_timeout + 5;
    bool there = false;
    StoreOutcome outcome;
    if (lock_wait > patience)
        pg->patience = lock_wait;
    bool ok = postgres_begin(pg, true, err) && postgres_run(pg, sql_postgresql_revisions_lock, err) &&
              postgres_run(pg, sql_postgresql_revisions_create, err) && postgres_guard_change(pg, err) &&
              ask_applied(pg, revision, &there, err);
    if (ok && !there)
        ok = apply(pg, revision, err) && postgres_commit(pg, &outcome, err);
    if (!ok || there)
        postgres_rollback(store);
    if (!ok && err != NULL && err->cls != ERR_RETRY)
        err_prefix(err, "revision %s", revision->id);
    pg->patience = patience;
    pg->shape_known = false;
    if (ok)
        *applied = !there;
    return ok;
}
