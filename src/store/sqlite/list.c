#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "session/connection.h"
#include "sql.h"
#include "session/transaction.h"
#include "session/value.h"

static bool emit(sqlite3_stmt *row, StoredModelFn fn, void *ctx, Err *err)
{
    const char *name = sqlite_name(row, 0);
    if (name == NULL)
        return true;
    StoredModel model = {.name = name,
                         .version = (int32_t)sqlite3_column_int64(row, 1),
                         .model_type = sqlite_text(row, 2),
                         .event = sqlite_text(row, 3),
                         .is_active = sqlite3_column_int64(row, 4) != 0,
                         .raw_bytes = sqlite_size(row, 7),
                         .stored_bytes = sqlite_size(row, 8),
                         .is_gzip = strcmp(sqlite_text(row, 10), "gzip") == 0,
                         .chunk_count = (uint32_t)sqlite3_column_int64(row, 11),
                         .source_host = sqlite_text(row, 12),
                         .source_path = sqlite_text(row, 13),
                         .run_id = sqlite_text(row, 16)};
    model.no_mtime = !sqlite_time_ns(sqlite_text(row, 14), &model.source_mtime_ns);
    model.odd_created = !sqlite_time_ns(sqlite_text(row, 15), &model.created_ns);
    stored_model_set_format(&model, sqlite_text(row, 9));
    model.has_members = sqlite_digest(row, 17, &model.members);
    bool has_content = sqlite_digest(row, 5, &model.content), has_stored = sqlite_digest(row, 6, &model.stored);
    model.has_digests = has_content && has_stored && sqlite3_column_type(row, 7) == SQLITE_INTEGER;
    return fn(ctx, &model, err);
}

/* name NULL: all rows. */
static bool list_rows(Sqlite *sq, const char *name, const int32_t *version, StoredModelFn fn, void *ctx, Err *err)
{
    sqlite3_stmt *row = sqlite_statement(sq, name != NULL ? SQLITE_Q_LIST_NAME : SQLITE_Q_LIST, err);
    bool more = true, ok = row != NULL;
    if (ok && name != NULL)
        ok = sqlite_check(sq, sqlite_bind_text(row, 1, name), err);
    if (ok && version != NULL)
        ok = sqlite_check(sq, sqlite3_bind_int(row, name != NULL ? 2 : 1, *version), err);
    while (ok && more)
        ok = sqlite_step(sq, row, &more, err) && (!more || emit(row, fn, ctx, err));
    sqlite_done(row);
    return ok;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each name once, in the order of bytes. */
static bool list_names(Sqlite *sq, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err)
{
    const char **names = calloc(filter->count, sizeof *names);
    if (names == NULL)
        return err_no_memory(err);
    memcpy(names, filter->names, filter->count * sizeof *names);
    qsort(names, filter->count, sizeof *names, compare_names);
    bool ok = true;
    for (size_t i = 0; ok && i < filter->count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            ok = list_rows(sq, names[i], filter->version, fn, ctx, err);
    free(names);
    return ok;
}

/* No table is an error here, as it is for every kind of store. */
bool sqlite_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool ok = sqlite_begin(sq, false, err);
    if (ok && !sq->has_tables) {
        ok = err_set(err, ERR_SCHEMA, "%s: the tables are not there yet", store_target_label(store->target));
        err_remedy(err, REMEDY_UPGRADE);
    }
    ok = ok && (filter->count > 0 ? list_names(sq, filter, fn, ctx, err) : list_rows(sq, NULL, filter->version, fn, ctx, err));
    sqlite_rollback(store);
    return ok;
}
