#include "postgres.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sql.h"

/* --- revisions --------------------------------------------------------------------------------------------------------------- */

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
    bool ok = postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
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
    if (lock_wait > patience)
        pg->patience = lock_wait;
    bool ok = postgres_begin(pg, true, err) && postgres_run(pg, sql_postgresql_revisions_lock, err) &&
              postgres_run(pg, sql_postgresql_revisions_create, err) && ask_applied(pg, revision, &there, err);
    if (ok && !there)
        ok = apply(pg, revision, err) && postgres_commit(pg, err);
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

/* --- runs -------------------------------------------------------------------------------------------------------------------- */

/* Not ASCII: `\xHH`. */
static void escape_bytes(char *out, const char *s)
{
    static const char digits[] = "0123456789abcdef";
    for (; *s != '\0'; s++) {
        unsigned char byte = (unsigned char)*s;
        if (byte < 0x80) {
            *out++ = *s;
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

char *postgres_note(const Postgres *pg, const char *text)
{
    size_t len = strlen(text), cap = 4 * len + 1;
    char *out = malloc(cap);
    if (out == NULL)
        return NULL;
    if (pg->ascii_notes)
        escape_bytes(out, text);
    else if (text_utf8_valid(text, len))
        memcpy(out, text, len + 1);
    else
        text_escape(out, cap, text, len);
    return out;
}

static bool write_run(Postgres *pg, const StoreRun *run, const char *sql, int count, Err *err)
{
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
    ok =
        ok && postgres_begin(pg, true, err) && postgres_query(pg, sql, count, params, false, NULL, err) && postgres_commit(pg, err);
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
