/* fetch.c: one payload in pieces, each a query in one transaction that sees one moment. A COPY or a plain
 * SELECT would have libpq hold the whole value; STORAGE EXTERNAL lets the server cut pieces out without reading the rest. */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

#define PIECE_BYTES UINT64_C(4194304)

/* $1 and $2 are name and version; `third` and `fourth` are numbers. */
static bool ask(Postgres *pg, const char *sql, uint64_t third, uint64_t fourth, int count, Err *err)
{
    PostgresFetch *fetch = &pg->fetch;
    char version[16], numbers[2][24];
    snprintf(version, sizeof version, "%" PRId32, fetch->version);
    snprintf(numbers[0], sizeof numbers[0], "%" PRIu64, third);
    snprintf(numbers[1], sizeof numbers[1], "%" PRIu64, fourth);
    const char *params[] = {fetch->name, version, numbers[0], numbers[1]};
    PQclear(fetch->piece);
    fetch->piece = NULL;
    return postgres_query(pg, sql, count, params, true, &fetch->piece, err);
}

bool postgres_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresFetch *fetch = &pg->fetch;
    *fetch = (PostgresFetch){.name = strdup(name), .version = version};
    if (fetch->name == NULL)
        return err_no_memory(err);
    bool ok = postgres_begin(pg, false, err) && ask(pg, sql_postgresql_fetch_begin, PIECE_BYTES, 0, 3, err);
    if (ok && PQntuples(fetch->piece) != 1)
        ok = err_set(err, ERR_SKIP, "%s@%d: is not stored", name, (int)version);
    else if (ok && PQgetisnull(fetch->piece, 0, 2) && postgres_integer(fetch->piece, 1) == 0)
        ok = err_set(err, ERR_SKIP, "%s@%d: its row has no payload, model_binary is NULL", name, (int)version);
    else if (ok && postgres_integer(fetch->piece, 1) == 0 && postgres_integer(fetch->piece, 0) != postgres_integer(fetch->piece, 3))
        ok = err_set(err, ERR_SKIP, "%s@%d: the payload is not of the size that its row says", name, (int)version);
    if (!ok) {
        postgres_fetch_close(store);
        return false;
    }
    *stored_bytes = fetch->bytes = postgres_integer(fetch->piece, 0);
    fetch->chunk_count = (uint32_t)postgres_integer(fetch->piece, 1);
    fetch->first_is_here = fetch->chunk_count == 0;
    return true;
}

static bool next_inline(Postgres *pg, const void **data, size_t *len, Err *err)
{
    PostgresFetch *fetch = &pg->fetch;
    int field = 2;
    if (!fetch->first_is_here) {
        if (!ask(pg, sql_postgresql_fetch_inline, fetch->at + 1, PIECE_BYTES, 4, err))
            return false;
        field = 0;
    }
    fetch->first_is_here = false;
    *data = PQgetvalue(fetch->piece, 0, field);
    *len = PQntuples(fetch->piece) == 1 ? (size_t)PQgetlength(fetch->piece, 0, field) : 0;
    return true;
}

static bool next_chunk(Postgres *pg, const void **data, size_t *len, Err *err)
{
    PostgresFetch *fetch = &pg->fetch;
    if (!ask(pg, sql_postgresql_fetch_chunk, fetch->next_chunk, 0, 3, err))
        return false;
    if (PQntuples(fetch->piece) != 1)
        return err_set(err, ERR_SKIP, "%s@%d: chunk %" PRIu32 " of %" PRIu32 " is missing", fetch->name, (int)fetch->version,
                       fetch->next_chunk, fetch->chunk_count);
    fetch->next_chunk++;
    *data = PQgetvalue(fetch->piece, 0, 0);
    *len = (size_t)PQgetlength(fetch->piece, 0, 0);
    return true;
}

bool postgres_fetch_next(Store *store, const void **data, size_t *len, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresFetch *fetch = &pg->fetch;
    bool at_end = fetch->chunk_count > 0 ? fetch->next_chunk >= fetch->chunk_count : fetch->at >= fetch->bytes;
    *data = "";
    *len = 0;
    if (at_end)
        return fetch->at == fetch->bytes ||
               err_set(err, ERR_SKIP, "%s@%d: the payload is not of the size that its row says", fetch->name, (int)fetch->version);
    if (!(fetch->chunk_count > 0 ? next_chunk : next_inline)(pg, data, len, err))
        return false;
    if (*len == 0)
        return err_set(err, ERR_SKIP, "%s@%d: the payload ends at byte %" PRIu64 " of %" PRIu64, fetch->name, (int)fetch->version,
                       fetch->at, fetch->bytes);
    fetch->at += *len;
    return true;
}

void postgres_fetch_close(Store *store)
{
    Postgres *pg = (Postgres *)store;
    PQclear(pg->fetch.piece);
    free(pg->fetch.name);
    pg->fetch = (PostgresFetch){0};
    postgres_rollback(store);
}
