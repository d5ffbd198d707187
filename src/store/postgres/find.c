/* find.c: all versions of some names, with the digests of those that record none. */
#include "calls.h"
#include "digests.h"

#include <stdlib.h>

#include "base/vec.h"
#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"
#include "version.h"

enum { NAME, VERSION, CONTENT, BYTES = POSTGRES_VERSION_FIELDS, MARK };

static uint64_t read_size(const PGresult *rows, int row)
{
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(rows, row, BYTES);
    return PQgetlength(rows, row, BYTES) == 8 ? (uint64_t)postgres_u32(bytes) << 32 | postgres_u32(bytes + 4) : 0;
}

/* Those without a digest, but with a payload. */
static bool note_unhashed(const PGresult *rows, PostgresDigests *out, Err *err)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        if (!PQgetisnull(rows, i, CONTENT) || PQgetisnull(rows, i, BYTES) || PQgetlength(rows, i, VERSION) != 4)
            continue;
        PostgresDigest *digest = vec_push(out, err);
        if (digest == NULL)
            return false;
        *digest = (PostgresDigest){.name = PQgetvalue(rows, i, NAME),
                                   .mark = PQgetvalue(rows, i, MARK),
                                   .version = (int32_t)postgres_u32((const unsigned char *)PQgetvalue(rows, i, VERSION)),
                                   .bytes = read_size(rows, i),
                                   .row = i};
    }
    return true;
}

static bool emit_all(const Postgres *pg, const PGresult *rows, const PostgresDigests *digests, StoreVersionFn fn, void *ctx,
                     Err *err)
{
    const PostgresDigest *digest = digests->items, *end = digests->items + digests->count;
    for (int i = 0; i < PQntuples(rows); i++) {
        PostgresField fields[POSTGRES_VERSION_FIELDS];
        for (int k = 0; k < POSTGRES_VERSION_FIELDS; k++)
            fields[k] = (PostgresField){(const unsigned char *)PQgetvalue(rows, i, k),
                                        PQgetisnull(rows, i, k) ? -1 : PQgetlength(rows, i, k)};
        if (digest != end && digest->row == i) {
            if (digest->is_known)
                fields[CONTENT] = (PostgresField){digest->digest.byte, DIGEST_BYTES};
            digest++;
        }
        if (!postgres_version(pg, fields, fn, ctx, err))
            return false;
    }
    return true;
}

static bool ask(Postgres *pg, const char *names, PGresult **rows, PostgresDigests *digests, bool *keep, Err *err)
{
    const char *params[] = {names, pg->identity};
    PostgresShape shape;
    Buf sql = {0};
    bool ok = postgres_begin(pg, false, err) && postgres_shape(pg, &shape, err);
    if (ok && shape.has_models)
        ok = postgres_for_shape(&shape, shape.has_digests ? sql_postgresql_find : sql_postgresql_find_by_hand, &sql, err) &&
             postgres_query(pg, sql.data, 2, params, true, rows, err) && note_unhashed(*rows, digests, err) &&
             postgres_digests_fill(pg, &shape, digests, err);
    *keep = ok && pg->keep_digests && shape.keeps_digests && pg->identity[0] != '\0';
    postgres_rollback(&pg->base);
    buf_free(&sql);
    return ok;
}

bool postgres_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    char identity[STORE_IDENTITY_SIZE];
    PostgresDigests digests = {0};
    PGresult *rows = NULL;
    Buf array = {0};
    bool keep = false;
    bool ok = postgres_text_array(&array, names, count, err) && postgres_identity(store, identity, err) &&
              ask(pg, array.data, &rows, &digests, &keep, err) && (!keep || postgres_digests_keep(pg, &digests, err)) &&
              (rows == NULL || emit_all(pg, rows, &digests, fn, ctx, err));
    PQclear(rows);
    free(digests.items);
    buf_free(&array);
    return ok;
}

void postgres_use_digests(Store *store, bool keep)
{
    Postgres *pg = (Postgres *)store;
    pg->use_digests = true;
    pg->keep_digests = keep && !pg->standby && !pg->read_only;
}
