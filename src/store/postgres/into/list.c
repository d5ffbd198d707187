#include <stdlib.h>
#include <string.h>

#include "../session/transaction.h"
#include "into.h"

/* What is done with each row that was asked for. */
typedef struct Visit {
    bool (*take)(Postgres *pg, const IntoRow *row, struct Visit *visit, Err *err);
    StoreVersionFn version_fn;
    StoredModelFn model_fn;
    void *ctx;
    Canonical canonical;
} Visit;

static bool take_name(Postgres *pg, const IntoRow *row, Visit *visit, Err *err)
{
    (void)pg;
    StoreVersion version = {
        .name = row->name, .source_path = "", .version = 1, .is_unhashed = true, .has_format = true, .is_tar = true};
    return visit->version_fn(visit->ctx, &version, err);
}

/* *known: it is a tar that can be read. Else it is a payload that nobody can name the content of. */
static bool read_row(Postgres *pg, const IntoRow *row, Canonical *canonical, bool *known, Err *err)
{
    Err why = {0};
    *known = into_read(pg, row, canonical, &why);
    if (*known || why.cls == ERR_SKIP)
        return true;
    if (err != NULL)
        *err = why;
    return false;
}

static bool take_content(Postgres *pg, const IntoRow *row, Visit *visit, Err *err)
{
    bool known;
    if (!read_row(pg, row, &visit->canonical, &known, err))
        return false;
    StoreVersion version = {.name = row->name,
                            .source_path = "",
                            .version = 1,
                            .content = visit->canonical.content,
                            .is_unhashed = !known,
                            .has_format = true,
                            .is_tar = true};
    return visit->version_fn(visit->ctx, &version, err);
}

static bool take_model(Postgres *pg, const IntoRow *row, Visit *visit, Err *err)
{
    const Canonical *canonical = &visit->canonical;
    StoredModel model = {.name = row->name,
                         .model_type = "model",
                         .event = row->name,
                         .version = 1,
                         .is_active = true,
                         .source_host = "",
                         .source_path = "",
                         .run_id = "",
                         .no_mtime = true,
                         .odd_created = true};
    if (!read_row(pg, row, &visit->canonical, &model.has_digests, err))
        return false;
    model.stored_bytes = row->bytes;
    if (model.has_digests) {
        model.content = canonical->content;
        model.stored = canonical->stored;
        model.has_format = model.is_tar = true;
        model.raw_bytes = canonical->raw_bytes;
        model.stored_bytes = canonical->tar.bytes;
    }
    return visit->model_fn(visit->ctx, &model, err);
}

/* Of one name, or with NULL of all; two rows with one name have none. */
static bool visit_name(Postgres *pg, const char *name, Visit *visit, Err *err)
{
    IntoRows rows = {0};
    bool ok = into_rows(pg, name, &rows, err);
    for (size_t i = 0; ok && i < rows.count; i++)
        ok = rows.items[i].is_twin || visit->take(pg, &rows.items[i], visit, err);
    free(rows.items);
    return ok;
}

static bool visit_names(Store *store, const char *const *names, size_t count, Visit *visit, Err *err)
{
    Postgres *pg = (Postgres *)store;
    canonical_init(&visit->canonical);
    bool ok = postgres_begin(pg, false, err);
    if (ok && names == NULL)
        ok = visit_name(pg, NULL, visit, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = visit_name(pg, names[i], visit, err);
    postgres_rollback(store);
    canonical_free(&visit->canonical);
    return ok;
}

bool into_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err)
{
    Visit visit = {.take = take_name, .version_fn = fn, .ctx = ctx};
    return visit_names(store, NULL, 0, &visit, err);
}

bool into_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    Visit visit = {.take = take_content, .version_fn = fn, .ctx = ctx};
    return count == 0 || visit_names(store, names, count, &visit, err);
}

bool into_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err)
{
    Visit visit = {.take = take_model, .model_fn = fn, .ctx = ctx};
    if (filter->version != NULL && *filter->version != 1)
        return true;
    return visit_names(store, filter->count > 0 ? filter->names : NULL, filter->count, &visit, err);
}
