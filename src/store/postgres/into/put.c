#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../session/transaction.h"
#include "../session/wire.h"
#include "into.h"

bool into_begin(Store *store, Err *err)
{
    return postgres_begin((Postgres *)store, true, err);
}

/* The one row whose id begins so, in `id`. */
static bool find_row(Postgres *pg, const char *name, const char *digits, char id[INTO_ID_SIZE], Err *err)
{
    const PostgresInto *into = into_of(pg);
    char low[INTO_ID_SIZE], high[INTO_ID_SIZE];
    const char *params[] = {low, high};
    PGresult *answer = NULL;
    Buf sql = {0};
    into_range(digits, low, high);
    bool ok = buf_format(&sql, err,
                         "SELECT %s::text FROM %s WHERE %s OPERATOR(pg_catalog.>=) $1::uuid "
                         "AND %s OPERATOR(pg_catalog.<=) $2::uuid LIMIT 2",
                         into->id, into->table, into->id, into->id) &&
              postgres_query(pg, sql.data, 2, params, false, &answer, err);
    buf_free(&sql);
    if (!ok)
        return false;
    int count = PQntuples(answer);
    if (count == 1)
        snprintf(id, INTO_ID_SIZE, "%s", PQgetvalue(answer, 0, 0));
    PQclear(answer);
    return count == 1 || err_set(err, ERR_SKIP, count == 0 ? "%s: no row of %s has an id that begins with %s"
                                                           : "%s: two rows of %s have an id that begins with %s",
                                 name, into->table, digits);
}

/* Nothing but an empty column is filled: whoever was quicker has written what this program then looks at again. */
static bool fill(Postgres *pg, const char *id, const char *name, const char *data, int bytes, Err *err)
{
    const PostgresInto *into = into_of(pg);
    const char *values[] = {id, data};
    const int lengths[] = {0, bytes}, formats[] = {0, 1};
    PGresult *answer = NULL;
    Buf sql = {0};
    bool ok = buf_format(&sql, err,
                         "UPDATE %s SET %s = $2::bytea%s WHERE %s OPERATOR(pg_catalog.=) $1::uuid AND "
                         "coalesce(pg_catalog.octet_length(%s), 0) OPERATOR(pg_catalog.=) 0",
                         into->table, into->data, pg->into_has_stamp ? ", updated_at = pg_catalog.now()" : "", into->id,
                         into->data);
    if (ok && PQsendQueryParams(pg->conn, sql.data, 2, NULL, values, lengths, formats, 0) != 1)
        ok = postgres_fail_connection(pg, err);
    ok = ok && postgres_flush(pg, err) && postgres_results(pg, &answer, err);
    buf_free(&sql);
    if (!ok)
        return false;
    bool filled = strcmp(PQcmdTuples(answer), "1") == 0;
    PQclear(answer);
    return filled || err_set(err, ERR_CONFLICT, "%s: its row was filled or removed meanwhile", name);
}

/* The payload in memory, as libpq wants it. */
static char *read_payload(Spool *payload, Err *err)
{
    size_t bytes = (size_t)payload->bytes;
    char *data = malloc(bytes > 0 ? bytes : 1);
    if (data == NULL)
        err_no_memory(err);
    for (size_t at = 0; data != NULL && at < bytes;) {
        const void *view;
        ptrdiff_t got = spool_view(payload, at, bytes - at, data + at, &view, err);
        if (got <= 0) {
            if (got == 0)
                err_set(err, ERR_BUG, "a payload is shorter than it was");
            free(data);
            return NULL;
        }
        if (view != data + at)
            memcpy(data + at, view, (size_t)got);
        at += (size_t)got;
    }
    return data;
}

/* Can this model be a row of that table? */
static bool check(const StoredModel *model, char digits[INTO_DIGITS + 1], Err *err)
{
    if (!into_digits(model->name, digits) || model->version != 1)
        return err_set(err, ERR_SKIP, "%s@%d: its name is not " INTO_PREFIX " and eight hexadecimal digits, which name the row",
                       model->name, (int)model->version);
    if (!model->is_tar || !model->is_gzip)
        return err_set(err, ERR_SKIP, "%s: the readers of this table open a compressed directory, a tar.gz", model->name);
    if (model->chunk_count > 0 || model->stored_bytes > INTO_BYTES_MAX)
        return err_set(err, ERR_SKIP, "%s: it is too large for one value, at most 500 MiB", model->name);
    return true;
}

bool into_put(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    Postgres *pg = (Postgres *)store;
    char digits[INTO_DIGITS + 1], id[INTO_ID_SIZE];
    if (!pg->in_transaction || payload->bytes != model->stored_bytes)
        return err_set(err, ERR_BUG, "%s: put outside of a batch, or not of the size that the row says", model->name);
    if (!check(model, digits, err) || !into_inspect_columns(pg, err) || !find_row(pg, model->name, digits, id, err))
        return false;
    char *data = read_payload(payload, err);
    bool ok = data != NULL && fill(pg, id, model->name, data, (int)payload->bytes, err);
    free(data);
    return ok;
}

bool into_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    *outcome = STORE_REFUSED;
    return postgres_commit((Postgres *)store, outcome, err);
}
