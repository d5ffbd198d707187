#include "postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#define LIST_FIELDS 17

uint64_t postgres_integer(const PGresult *row, int field)
{
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(row, 0, field);
    uint64_t value = 0;
    for (int i = 0; i < PQgetlength(row, 0, field); i++)
        value = value << 8 | bytes[i];
    return value; /* a NULL has no bytes: 0 */
}

static bool read_digest(const PGresult *row, int field, Digest *out)
{
    if (PQgetlength(row, 0, field) != DIGEST_BYTES)
        return false;
    memcpy(out->byte, PQgetvalue(row, 0, field), DIGEST_BYTES);
    return true;
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
                      .source_mtime_ns = (int64_t)postgres_integer(row, 14) * 1000,
                      .created_ns = (int64_t)postgres_integer(row, 15) * 1000,
                      .run_id = PQgetvalue(row, 0, 16)};
    info.has_format = !PQgetisnull(row, 0, 9);
    info.has_digests = read_digest(row, 5, &info.content) && read_digest(row, 6, &info.stored) && !PQgetisnull(row, 0, 7);
    return fn(ctx, &info, err);
}

/* Row by row, so that a million rows need the memory of one. After the first failure the rest is only taken off the wire. */
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
        if (ok && status == PGRES_SINGLE_TUPLE && PQnfields(row) == LIST_FIELDS)
            ok = emit(row, fn, ctx, err);
        else if (ok && status != PGRES_TUPLES_OK)
            ok = postgres_fail_result(pg, row, err);
        PQclear(row);
        if (pg->conn == NULL)
            return false;
    }
}

/* version NULL = all */
static bool list_rows(Store *store, const char *const *names, size_t count, const char *version, StoredModelFn fn, void *ctx,
                      Err *err) {
    Postgres *pg = (Postgres *)store;
    Buf array = {0};
    bool ok = count == 0 || postgres_text_array(&array, names, count, err);
    const char *params[] = {array.data, version};
    ok = ok && postgres_begin(pg, false, err) && postgres_query_rows(pg, sql_postgresql_list, 2, params, err) &&
         take_rows(pg, fn, ctx, err);
    postgres_rollback(store);
    buf_free(&array);
    return ok;
}

bool postgres_list(Store *store, const char *const *names, size_t count, StoredModelFn fn, void *ctx, Err *err)
{
    return list_rows(store, names, count, NULL, fn, ctx, err);
}

bool postgres_list_key(Store *store, const StoreKey *key, StoredModelFn fn, void *ctx, Err *err)
{
    char version[16];
    snprintf(version, sizeof version, "%" PRId32, key->version);
    return list_rows(store, &key->name, 1, version, fn, ctx, err);
}

bool postgres_verify(Store *store, const StoreKey *keys, size_t count, StoreHealthFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Buf names = {0}, versions = {0};
    PGresult *answer = NULL;
    const char **list = calloc(count + 1, sizeof *list);
    bool ok = list != NULL ? buf_text(&versions, "{", err) : err_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) {
        list[i] = keys[i].name;
        ok = buf_format(&versions, err, "%s%" PRId32, i > 0 ? "," : "", keys[i].version);
    }
    ok = ok && buf_text(&versions, "}", err) && postgres_text_array(&names, list, count, err);
    const char *params[] = {names.data, versions.data};
    ok = ok && postgres_begin(pg, false, err) && postgres_query(pg, sql_postgresql_verify, 2, params, false, &answer, err);
    postgres_rollback(store);
    for (int i = 0; ok && i < PQntuples(answer); i++) {
        unsigned long long index = strtoull(PQgetvalue(answer, i, 0), NULL, 10);
        unsigned long health = strtoul(PQgetvalue(answer, i, 1), NULL, 10);
        static const StoreHealth meaning[] = {STORE_INTACT, STORE_DAMAGED, STORE_UNPROVEN, STORE_MISSING};
        ok = index < count && health < 4 ? fn(ctx, (size_t)index, meaning[health], err)
                                         : err_set(err, ERR_BUG, "%s: no answer to a proof", store_target_label(pg->base.target));
    }
    PQclear(answer);
    free(list);
    buf_free(&names);
    buf_free(&versions);
    return ok;
}

bool postgres_is_primary(Store *store, bool *primary, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PGresult *answer = NULL;
    if (!postgres_query(pg, "SELECT pg_is_in_recovery()", 0, NULL, false, &answer, err))
        return false;
    *primary = strcmp(PQgetvalue(answer, 0, 0), "f") == 0;
    PQclear(answer);
    return true;
}
