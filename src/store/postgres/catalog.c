#include "calls.h"

#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"
#include "version.h"

#define HEADER_BYTES 19
static bool bad_stream(const Postgres *pg, Err *err)
{
    return err_set(err, ERR_STOP, "%s: malformed COPY stream", store_target_label(pg->base.target));
}

/* The rows of one message. *first: the message starts with the header. A count of -1 ends the stream. */
static bool take_message(const Postgres *pg, const unsigned char *data, size_t len, bool *first, StoreVersionFn fn, void *ctx,
                         Err *err)
{
    size_t at = 0;
    if (*first) {
        if (len < HEADER_BYTES)
            return bad_stream(pg, err);
        at = HEADER_BYTES + postgres_u32(data + 15);
        *first = false;
    }
    while (at + 2 <= len) {
        PostgresField fields[POSTGRES_VERSION_FIELDS] = {{0}};
        unsigned count = (unsigned)data[at] << 8 | data[at + 1];
        at += 2;
        if (count == UINT16_MAX)
            continue;
        if (count != POSTGRES_VERSION_FIELDS)
            return bad_stream(pg, err);
        for (unsigned i = 0; i < count; i++) {
            if (at + 4 > len)
                return bad_stream(pg, err);
            uint32_t size = postgres_u32(data + at);
            at += 4;
            fields[i] = (PostgresField){data + at, size == UINT32_MAX ? -1 : (int)size};
            if (size != UINT32_MAX && size > len - at)
                return bad_stream(pg, err);
            at += size == UINT32_MAX ? 0 : size;
        }
        if (!postgres_version(pg, fields, fn, ctx, err))
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
