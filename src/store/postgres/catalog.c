#include "calls.h"

#include <stdio.h>
#include <string.h>

#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"

#define HEADER_BYTES 19
#define NAME_BYTES 4096 /* an adopted table may have names of any length; such a long one is none of ours */

/* A field as it came; len -1 = NULL. */
typedef struct Field {
    const unsigned char *data;
    int len;
} Field;

static uint32_t read_u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* One row (name, version, digest, run id, is it a tar, members) to the caller. */
static bool emit(const Postgres *pg, const Field *fields, StoreVersionFn fn, void *ctx, Err *err)
{
    char name[NAME_BYTES + 1];
    StoreVersion row = {.name = name};
    if (fields[0].len < 0 || fields[1].len != 4 || fields[2].len != DIGEST_BYTES || (fields[3].len != 16 && fields[3].len != -1) ||
        (fields[4].len != 1 && fields[4].len != -1) || (fields[5].len != DIGEST_BYTES && fields[5].len != -1))
        return err_set(err, ERR_STOP, "%s: unexpected column types in models", store_target_label(pg->base.target));
    if (fields[0].len > NAME_BYTES)
        return true;
    memcpy(name, fields[0].data, (size_t)fields[0].len);
    name[fields[0].len] = '\0';
    row.version = (int32_t)read_u32(fields[1].data);
    memcpy(row.content.byte, fields[2].data, DIGEST_BYTES);
    row.has_format = fields[4].len == 1;
    row.is_tar = row.has_format && fields[4].data[0] != 0;
    row.has_members = fields[5].len == DIGEST_BYTES;
    if (row.has_members)
        memcpy(row.members.byte, fields[5].data, DIGEST_BYTES);
    const unsigned char *id = fields[3].data;
    if (fields[3].len == 16)
        snprintf(row.run_id, sizeof row.run_id, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
                 id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
    return fn(ctx, &row, err);
}

/* --- catalog ----------------------------------------------------------------------------------------------------------------- */

static bool bad_stream(const Postgres *pg, Err *err)
{
    return err_set(err, ERR_STOP, "%s: malformed COPY stream", store_target_label(pg->base.target));
}

/* The rows of one message. *first: the message starts with the header. A count of -1 ends the stream. */
static bool take_message(const Postgres *pg, const unsigned char *data, size_t len, bool *first, StoreVersionFn fn, void *ctx,
                         Err *err) {
    size_t at = 0;
    if (*first) {
        if (len < HEADER_BYTES)
            return bad_stream(pg, err);
        at = HEADER_BYTES + read_u32(data + 15);
        *first = false;
    }
    while (at + 2 <= len) {
        Field fields[7] = {{0}};
        unsigned count = (unsigned)data[at] << 8 | data[at + 1];
        at += 2;
        if (count == UINT16_MAX)
            continue;
        if (count != 7)
            return bad_stream(pg, err);
        for (unsigned i = 0; i < count; i++) {
            if (at + 4 > len)
                return bad_stream(pg, err);
            uint32_t size = read_u32(data + at);
            at += 4;
            fields[i] = (Field){data + at, size == UINT32_MAX ? -1 : (int)size};
            if (size != UINT32_MAX && size > len - at)
                return bad_stream(pg, err);
            at += size == UINT32_MAX ? 0 : size;
        }
        if (!emit(pg, fields, fn, ctx, err))
            return false;
    }
    return at == len || bad_stream(pg, err);
}

static bool take_stream(Postgres *pg, StoreVersionFn fn, void *ctx, Err *err)
{
    bool first = true;
    for (;;) {
        char *data = NULL;
        int len = PQgetCopyData(pg->conn, &data, 1);
        if (len == -1)
            return postgres_results(pg, NULL, err);
        if (len == -2)
            return postgres_fail_connection(pg, err);
        if (len == 0) {
            if (!postgres_wait_input(pg, err))
                return false;
            continue;
        }
        bool ok = take_message(pg, (const unsigned char *)data, (size_t)len, &first, fn, ctx, err);
        PQfreemem(data);
        if (!ok) {
            postgres_drop(pg); /* the rest of the stream is of no use */
            return false;
        }
    }
}

bool postgres_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresShape shape;
    Buf sql = {0};
    bool ok = postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
    if (ok && shape.has_models)
        ok = postgres_for_shape(&shape, shape.has_digests ? sql_postgresql_catalog : sql_postgresql_catalog_by_hand, &sql, err) &&
             postgres_copy_start(pg, sql.data, PGRES_COPY_OUT, err) && take_stream(pg, fn, ctx, err);
    postgres_rollback(store);
    buf_free(&sql);
    return ok;
}

/* --- find -------------------------------------------------------------------------------------------------------------------- */

static bool emit_all(const Postgres *pg, const PGresult *result, StoreVersionFn fn, void *ctx, Err *err)
{
    for (int i = 0; i < PQntuples(result); i++) {
        Field fields[6];
        for (int k = 0; k < 6; k++)
            fields[k] = (Field){(const unsigned char *)PQgetvalue(result, i, k),
                                PQgetisnull(result, i, k) ? -1 : PQgetlength(result, i, k)};
        if (!emit(pg, fields, fn, ctx, err))
            return false;
    }
    return true;
}

bool postgres_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PostgresShape shape;
    PGresult *result = NULL;
    Buf array = {0}, sql = {0};
    bool ok = postgres_text_array(&array, names, count, err) && postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
    const char *params[] = {array.data};
    if (ok && shape.has_models)
        ok = postgres_for_shape(&shape, shape.has_digests ? sql_postgresql_find : sql_postgresql_find_by_hand, &sql, err) &&
             postgres_query(pg, sql.data, 1, params, true, &result, err);
    postgres_rollback(store);
    if (ok && result != NULL)
        ok = emit_all(pg, result, fn, ctx, err);
    PQclear(result);
    buf_free(&array);
    buf_free(&sql);
    return ok;
}
