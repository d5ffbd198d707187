/* list.c: rows without their payload: those that can be worked with, and those that can only be named. */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"

enum { LIST_FIELDS = 18, ODD_FIELDS = 4, PICKLES_FIELDS = 2 };

static bool read_digest(const PGresult *row, int field, Digest *out)
{
    if (PQgetlength(row, 0, field) != DIGEST_BYTES)
        return false;
    memcpy(out->byte, PQgetvalue(row, 0, field), DIGEST_BYTES);
    return true;
}

/* A time of an adopted table may be farther away than 64 bits of nanoseconds reach. */
static bool nanoseconds(const PGresult *row, int field, int64_t *ns)
{
    int64_t micros = (int64_t)postgres_integer(row, field);
    bool late = micros > INT64_MAX / 1000, early = micros < INT64_MIN / 1000;
    *ns = late ? INT64_MAX : early ? INT64_MIN : micros * 1000;
    return !late && !early && !PQgetisnull(row, 0, field);
}

/* The number of bytes in a column of an adopted table may be none. */
static uint64_t size(const PGresult *row, int field)
{
    uint64_t bytes = postgres_integer(row, field);
    return bytes <= INT64_MAX ? bytes : 0;
}

static bool is_text(const PGresult *row, int field)
{
    return text_utf8_valid(PQgetvalue(row, 0, field), (size_t)PQgetlength(row, 0, field));
}

/* What is done with a row of an answer. */
typedef struct Receiver {
    int fields;
    bool (*take)(const struct Receiver *receiver, const PGresult *row, Err *err);
    StoredModelFn model_fn;
    StoreOddFn odd_fn;
    StorePickleFn pickle_fn;
    void *ctx;
} Receiver;

static bool take_model(const Receiver *receiver, const PGresult *row, Err *err)
{
    StoredModel info = {.name = PQgetvalue(row, 0, 0),
                      .version = (int32_t)postgres_integer(row, 1),
                      .model_type = PQgetvalue(row, 0, 2),
                      .event = PQgetvalue(row, 0, 3),
                      .is_active = postgres_integer(row, 4) != 0,
                      .raw_bytes = size(row, 7),
                      .stored_bytes = size(row, 8),
                      .is_gzip = postgres_integer(row, 10) != 0,
                      .chunk_count = (uint32_t)postgres_integer(row, 11),
                      .source_host = PQgetvalue(row, 0, 12),
                      .source_path = PQgetvalue(row, 0, 13),
                      .run_id = PQgetvalue(row, 0, 16)};
    info.no_mtime = !nanoseconds(row, 14, &info.source_mtime_ns);
    info.odd_created = !nanoseconds(row, 15, &info.created_ns);
    stored_model_set_format(&info, PQgetvalue(row, 0, 9));
    info.has_members = read_digest(row, 17, &info.members);
    bool has_content = read_digest(row, 5, &info.content), has_stored = read_digest(row, 6, &info.stored);
    info.has_digests = has_content && has_stored && !PQgetisnull(row, 0, 7);
    return !is_text(row, 0) || receiver->model_fn(receiver->ctx, &info, err);
}

/* Fields: its place, name, version as text, is it active. */
static bool take_odd(const Receiver *receiver, const PGresult *row, Err *err)
{
    char name[STORE_NAME_MAX + 1], problem[STORE_NAME_MAX + 80];
    const char *version = PQgetvalue(row, 0, 2);
    int64_t number;
    bool is_counted = !PQgetisnull(row, 0, 2) && text_parse_int(version, 0, INT32_MAX, &number);
    StoreOdd odd = {.place = PQgetvalue(row, 0, 0),
                    .name = PQgetisnull(row, 0, 1) || !is_text(row, 1) ? NULL : PQgetvalue(row, 0, 1),
                    .problem = problem,
                    .is_active = postgres_integer(row, 3) != 0,
                    .is_newest = !is_counted && version[0] != '-'};
    text_escape(name, sizeof name, PQgetvalue(row, 0, 1), (size_t)PQgetlength(row, 0, 1));
    if (PQgetisnull(row, 0, 1))
        snprintf(problem, sizeof problem, "its name is NULL");
    else if (odd.name == NULL)
        snprintf(problem, sizeof problem, "its name \"%s\" is not UTF-8", name);
    else
        snprintf(problem, sizeof problem, "its version is %.40s, no number from 0 to %d", version[0] != '\0' ? version : "NULL",
                 INT32_MAX);
    return (odd.name != NULL && is_counted) || receiver->odd_fn(receiver->ctx, &odd, err);
}

static bool take_pickle(const Receiver *receiver, const PGresult *row, Err *err)
{
    return !is_text(row, 0) || receiver->pickle_fn(receiver->ctx, PQgetvalue(row, 0, 0), postgres_integer(row, 1) != 0, err);
}

/* Row by row, so that a million rows need the memory of one. When the caller wants no more, there is no use for the rest, nor for
 * the session. After an error of the server the rest is taken off the wire. */
static bool take_rows(Postgres *pg, const Receiver *receiver, Err *err)
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
        if (ok && status == PGRES_SINGLE_TUPLE && PQnfields(row) == receiver->fields)
            enough = !receiver->take(receiver, row, err);
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
    Receiver receiver = {.fields = LIST_FIELDS, .take = take_model, .model_fn = fn, .ctx = ctx};
    Buf names = {0};
    char version[16];
    if (filter->version != NULL)
        snprintf(version, sizeof version, "%" PRId32, *filter->version);
    bool ok = filter->count == 0 || postgres_text_array(&names, filter->names, filter->count, err);
    const char *params[] = {names.data, filter->version != NULL ? version : NULL};
    ok = ok && postgres_begin(pg, false, err) && postgres_query_rows(pg, sql_postgresql_list, 2, params, err) &&
         take_rows(pg, &receiver, err);
    postgres_rollback(store);
    buf_free(&names);
    return ok;
}

bool postgres_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Receiver receiver = {.fields = ODD_FIELDS, .take = take_odd, .odd_fn = fn, .ctx = ctx};
    const char *params[] = {name, pg->raw_text && name == NULL ? "t" : "f"};
    PostgresShape shape;
    bool ok = postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
    if (ok && shape.has_models)
        ok = postgres_query_rows(pg, shape.has_digests ? sql_postgresql_odd_rows : sql_postgresql_odd_rows_by_hand, 2, params,
                                 err) &&
             take_rows(pg, &receiver, err);
    postgres_rollback(store);
    return ok;
}

bool postgres_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Receiver receiver = {.fields = PICKLES_FIELDS, .take = take_pickle, .pickle_fn = fn, .ctx = ctx};
    PostgresShape shape;
    bool ok = postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
    if (ok && shape.has_models)
        ok = postgres_query_rows(pg, shape.has_digests ? sql_postgresql_pickles : sql_postgresql_pickles_by_hand, 0, NULL, err) &&
             take_rows(pg, &receiver, err);
    postgres_rollback(store);
    return ok;
}
