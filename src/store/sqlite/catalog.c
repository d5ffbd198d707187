/* catalog.c: keys with their digests, and the digests of rows that record none. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "payload.h"
#include "session/connection.h"
#include "sql.h"
#include "session/transaction.h"
#include "session/value.h"

enum { NAME, VERSION, CONTENT, RUN, FORMAT, MEMBERS, SOURCE, ROW, KEPT };

/* A digest that was worked out now. */
typedef struct Fresh {
    int64_t row_id;
    Digest digest;
} Fresh;

typedef VEC(Fresh) FreshList;

static void take_version(sqlite3_stmt *row, const char *name, StoreVersion *out)
{
    *out = (StoreVersion){.name = name, .version = (int32_t)sqlite3_column_int64(row, VERSION)};
    out->source_path = sqlite_text(row, SOURCE);
    const char *format = sqlite_text(row, FORMAT), *run_id = sqlite_text(row, RUN);
    out->is_unhashed = !sqlite_digest(row, CONTENT, &out->content);
    out->has_format = format[0] != '\0';
    out->is_tar = strcmp(format, "tar") == 0;
    out->has_members = sqlite_digest(row, MEMBERS, &out->members);
    if (strlen(run_id) < sizeof out->run_id)
        memcpy(out->run_id, run_id, strlen(run_id) + 1);
}

bool sqlite_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool more = true, ok = sqlite_begin(sq, false, err);
    sqlite3_stmt *row = ok && sq->has_tables ? sqlite_statement(sq, SQLITE_Q_CATALOG, err) : NULL;
    ok = ok && (row != NULL || !sq->has_tables);
    while (ok && row != NULL && more) {
        StoreVersion version;
        ok = sqlite_step(sq, row, &more, err);
        const char *name = ok && more ? sqlite_name(row, NAME) : NULL;
        if (name == NULL)
            continue;
        take_version(row, name, &version);
        ok = fn(ctx, &version, err);
    }
    sqlite_rollback(store);
    return ok;
}

static bool emit_odd(sqlite3_stmt *row, StoreOddFn fn, void *ctx, Err *err)
{
    char place[32];
    const char *name = sqlite_name(row, 1);
    int64_t version = sqlite3_column_int64(row, 2);
    bool is_number = sqlite3_column_type(row, 2) == SQLITE_INTEGER && version >= 0 && version <= INT32_MAX;
    if (name != NULL && is_number)
        return true;
    snprintf(place, sizeof place, "id %lld", (long long)sqlite3_column_int64(row, 0));
    StoreOdd odd = {.place = place,
                    .name = name,
                    .problem = name == NULL ? "its name is no text in UTF-8" : "its version is no number from 0 to 2147483647",
                    .is_active = sqlite3_column_int64(row, 3) != 0,
                    .is_newest = !is_number && version >= 0};
    return fn(ctx, &odd, err);
}

bool sqlite_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool more = true, ok = sqlite_begin(sq, false, err);
    sqlite3_stmt *row = ok && sq->has_tables ? sqlite_statement(sq, SQLITE_Q_ODD_ROWS, err) : NULL;
    ok = ok && (row != NULL || !sq->has_tables);
    if (ok && row != NULL)
        ok = sqlite_check(sq, sqlite_bind_text(row, 1, name), err);
    while (ok && row != NULL && more)
        ok = sqlite_step(sq, row, &more, err) && (!more || emit_odd(row, fn, ctx, err));
    sqlite_rollback(store);
    return ok;
}

/* Its first two bytes; of a payload that cannot be read nothing is known. */
static bool begins_as_pickle(Sqlite *sq, int64_t row_id)
{
    sqlite3_blob *blob = NULL;
    unsigned char head[2] = {0};
    bool read = sqlite3_blob_open(sq->db, "main", "model_payloads", "data", row_id, 0, &blob) == SQLITE_OK &&
                sqlite3_blob_bytes(blob) > 2 && sqlite3_blob_read(blob, head, sizeof head, 0) == SQLITE_OK;
    sqlite3_blob_close(blob);
    return read && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5;
}

static bool emit_pickle(Sqlite *sq, sqlite3_stmt *row, StorePickleFn fn, void *ctx, Err *err)
{
    const char *name = sqlite_name(row, 0);
    bool foreign = sqlite3_column_int64(row, 1) != 0;
    return name == NULL || (foreign && !begins_as_pickle(sq, sqlite3_column_int64(row, 2))) || fn(ctx, name, foreign, err);
}

bool sqlite_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool more = true, ok = sqlite_begin(sq, false, err);
    sqlite3_stmt *row = ok && sq->has_tables ? sqlite_statement(sq, SQLITE_Q_PICKLES, err) : NULL;
    ok = ok && (row != NULL || !sq->has_tables);
    while (ok && row != NULL && more)
        ok = sqlite_step(sq, row, &more, err) && (!more || emit_pickle(sq, row, fn, ctx, err));
    sqlite_rollback(store);
    return ok;
}

/* The digest of a row of another program: kept earlier, or from its payload. */
static bool fill_digest(Sqlite *sq, sqlite3_stmt *row, StoreVersion *version, FreshList *fresh, Err *err)
{
    SqlitePayload payload;
    bool found, whole = false;
    if (sq->use_digests && sqlite_digest(row, KEPT, &version->content)) {
        version->is_unhashed = false;
        return true;
    }
    bool ok = sqlite_payload_open(sq, version->name, version->version, &payload, &found, err) &&
              (!found || sqlite_payload_hash(sq, &payload, &version->content, &whole, err));
    sqlite_payload_close(&payload);
    version->is_unhashed = !whole;
    if (!ok || !whole || !sq->keep_digests)
        return ok;
    Fresh *item = vec_push(fresh, err);
    if (item == NULL)
        return false;
    *item = (Fresh){sqlite3_column_int64(row, ROW), version->content};
    return true;
}

static bool find_name(Sqlite *sq, const char *name, StoreVersionFn fn, void *ctx, FreshList *fresh, Err *err)
{
    sqlite3_stmt *row = sqlite_statement(sq, SQLITE_Q_FIND, err);
    bool more = true, ok = row != NULL && sqlite_check(sq, sqlite_bind_text(row, 1, name), err);
    while (ok && more) {
        StoreVersion version;
        ok = sqlite_step(sq, row, &more, err);
        if (!ok || !more)
            break;
        take_version(row, name, &version);
        ok = (!version.is_unhashed || fill_digest(sq, row, &version, fresh, err)) && fn(ctx, &version, err);
    }
    sqlite_done(row);
    return ok;
}

/* To keep them is a saving and no duty. `seen`: the state of the file that they were read from. */
static void keep_digests(Sqlite *sq, const FreshList *fresh, int64_t seen)
{
    StoreOutcome outcome;
    int64_t now = 0;
    bool ok = fresh->count > 0 && sqlite_begin_put(sq, NULL) && sqlite_ask(sq, "PRAGMA data_version", &now, NULL) && now == seen;
    for (size_t i = 0; ok && i < fresh->count; i++) {
        sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_DIGEST_KEEP, NULL);
        ok = statement != NULL && sqlite3_bind_int64(statement, 1, fresh->items[i].row_id) == SQLITE_OK &&
             sqlite_bind_digest(statement, 2, &fresh->items[i].digest) == SQLITE_OK && sqlite_run(sq, statement, NULL);
    }
    if (!ok || !sqlite_commit(sq, &outcome, NULL))
        sqlite_rollback(&sq->base);
}

bool sqlite_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    FreshList fresh = {0};
    int64_t seen = 0;
    bool ok = sqlite_begin(sq, false, err) && sqlite_ask(sq, "PRAGMA data_version", &seen, err);
    for (size_t i = 0; ok && sq->has_tables && i < count; i++)
        ok = find_name(sq, names[i], fn, ctx, &fresh, err);
    sqlite_rollback(store);
    if (ok)
        keep_digests(sq, &fresh, seen);
    free(fresh.items);
    return ok;
}

void sqlite_use_digests(Store *store, bool keep)
{
    Sqlite *sq = (Sqlite *)store;
    sq->use_digests = true;
    sq->keep_digests = keep && sq->db != NULL && sqlite3_db_readonly(sq->db, "main") == 0;
}
