#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

#define LIST_FIELDS 18

static bool read_digest(const PGresult *row, int field, Digest *out)
{
    if (PQgetlength(row, 0, field) != DIGEST_BYTES)
        return false;
    memcpy(out->byte, PQgetvalue(row, 0, field), DIGEST_BYTES);
    return true;
}

/* A time of an adopted table may be farther away than 64 bits of nanoseconds reach. */
static int64_t nanoseconds(const PGresult *row, int field)
{
    int64_t micros = (int64_t)postgres_integer(row, field);
    if (micros > INT64_MAX / 1000)
        return INT64_MAX;
    return micros < INT64_MIN / 1000 ? INT64_MIN : micros * 1000;
}

static bool emit(const PGresult *row, StoredModelFn fn, void *ctx, Err *err)
{
    StoredModel info = {.name = PQgetvalue(row, 0, 0),
                      .version = (int32_t)postgres_integer(row, 1),
                      .model_type = PQgetvalue(row, 0, 2),
                      .event = PQgetvalue(row, 0, 3),
                      .is_active = postgres_integer(row, 4) != 0,
                      .raw_bytes = postgres_integer(row, 7),
                      .stored_bytes = postgres_integer(row, 8),
                      .is_tar = postgres_integer(row, 9) != 0,
                      .is_gzip = postgres_integer(row, 10) != 0,
                      .chunk_count = (uint32_t)postgres_integer(row, 11),
                      .source_host = PQgetvalue(row, 0, 12),
                      .source_path = PQgetvalue(row, 0, 13),
                      .source_mtime_ns = nanoseconds(row, 14),
                      .created_ns = nanoseconds(row, 15),
                      .run_id = PQgetvalue(row, 0, 16)};
    info.has_format = !PQgetisnull(row, 0, 9);
    info.has_members = read_digest(row, 17, &info.members);
    info.has_digests = read_digest(row, 5, &info.content) && read_digest(row, 6, &info.stored) && !PQgetisnull(row, 0, 7);
    return fn(ctx, &info, err);
}

/* Row by row, so that a million rows need the memory of one. When the caller wants no more, there is no use for the rest, nor for
 * the session. After an error of the server the rest is taken off the wire. */
static bool take_rows(Postgres *pg, StoredModelFn fn, void *ctx, Err *err)
{
    bool ok = true;
    for (;;) {
        while (PQisBusy(pg->conn))
            if (!postgres_wait_input(pg, ok ? err : NULL))
                return false;
        PGresult *row = PQgetResult(pg->conn);
        if (row == NULL)
            return ok;
        ExecStatusType status = PQresultStatus(row);
        bool enough = false;
        if (ok && status == PGRES_SINGLE_TUPLE && PQnfields(row) == LIST_FIELDS)
            enough = !emit(row, fn, ctx, err);
        else if (ok && status != PGRES_TUPLES_OK)
            ok = postgres_fail_result(pg, row, err);
        PQclear(row);
        if (enough)
            postgres_drop(pg);
        if (pg->conn == NULL)
            return false;
    }
}

bool postgres_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Buf names = {0};
    char version[16];
    if (filter->version != NULL)
        snprintf(version, sizeof version, "%" PRId32, *filter->version);
    bool ok = filter->count == 0 || postgres_text_array(&names, filter->names, filter->count, err);
    const char *params[] = {names.data, filter->version != NULL ? version : NULL};
    ok = ok && postgres_begin(pg, false, err) && postgres_query_rows(pg, sql_postgresql_list, 2, params, err) &&
         take_rows(pg, fn, ctx, err);
    postgres_rollback(store);
    buf_free(&names);
    return ok;
}
