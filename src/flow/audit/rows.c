#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "store/into.h"
#include "parts.h"

#define NAMES_AT_ONCE 1000

void rows_free(Rows *rows)
{
    free(rows->items);
    free(rows->by_path);
    odd_rows_free(&rows->odd);
    strmap_free(&rows->runs_here);
    arena_free(&rows->arena);
    *rows = (Rows){0};
}

static bool note_row(void *ctx, const StoredModel *model, Err *err)
{
    Rows *rows = ctx;
    if (!interrupt_check(err) || !vec_reserve(rows, 1, err))
        return false;
    Row *row = &rows->items[rows->count];
    const StoredModel *before = rows->count > 0 ? &rows->items[rows->count - 1].model : NULL;
    *row = (Row){0};
    if (!stored_model_copy(&rows->arena, model, before, &row->model, err))
        return false;
    rows->count++;
    return true;
}

static int compare_key(const char *name, int32_t version, const StoredModel *model)
{
    int order = strcmp(name, model->name);
    return order != 0 ? order : (version > model->version) - (version < model->version);
}

/* The first row that is not before this key. */
static size_t lower_bound(const Rows *rows, const char *name, int32_t version)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(name, version, &rows->items[middle].model) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t rows_first(const Rows *rows, const char *name)
{
    return lower_bound(rows, name, INT32_MIN);
}

Row *rows_find(Rows *rows, const char *name, int32_t version)
{
    size_t at = lower_bound(rows, name, version);
    return at < rows->count && compare_key(name, version, &rows->items[at].model) == 0 ? &rows->items[at] : NULL;
}

Content row_content(const StoredModel *row)
{
    return (Content){.kind = !row->has_format ? CONTENT_UNKNOWN : row->is_tar ? CONTENT_DIRECTORY : CONTENT_FILE,
                     .digest = row->content,
                     .members = row->has_members ? &row->members : NULL};
}

bool rows_hold(const Rows *rows, const char *name, const Content *content)
{
    for (size_t i = rows_first(rows, name); i < rows->count && strcmp(rows->items[i].model.name, name) == 0; i++) {
        Content stored = row_content(&rows->items[i].model);
        if (content_equal(content, &stored))
            return true;
    }
    return false;
}

static int by_key(const void *a, const void *b)
{
    const Row *row = a;
    return compare_key(row->model.name, row->model.version, &((const Row *)b)->model);
}

/* Rows that another program wrote have no digest: the store works it out. Their payload is their content. */
static bool fill_digest(void *ctx, const StoreVersion *version, Err *err)
{
    Row *row = rows_find(ctx, version->name, version->version);
    (void)err;
    if (row == NULL || row->model.has_digests || row->is_filled || version->is_unhashed)
        return true;
    row->content_recorded = digest_equal(&row->model.content, &version->content);
    row->model.content = row->model.stored = version->content;
    row->model.raw_bytes = row->model.stored_bytes;
    if (!row->content_recorded)
        row->model.is_tar = row->model.is_pickle = row->model.is_gzip = false;
    row->is_filled = true;
    return true;
}

static bool lacks_digest(const Rows *rows, const char *name)
{
    for (size_t i = rows_first(rows, name); i < rows->count && strcmp(rows->items[i].model.name, name) == 0; i++)
        if (!rows->items[i].model.has_digests && !rows->items[i].is_filled)
            return true;
    return false;
}

/* Only those of names that the tree has, many at once: the store may have thousands of others. */
static bool fill_missing_digests(Store *store, Rows *rows, const ModelList *models, Err *err)
{
    const char *names[NAMES_AT_ONCE];
    size_t count = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < models->count; i++) {
        const char *name = models->items[i].name;
        if (name != NULL && models->items[i].state != MODEL_SKIPPED && lacks_digest(rows, name))
            names[count++] = name;
        if (count == NAMES_AT_ONCE) {
            ok = store_find(store, names, count, fill_digest, rows, err);
            count = 0;
        }
    }
    return ok && (count == 0 || store_find(store, names, count, fill_digest, rows, err));
}

/* --- below a folder ---------------------------------------------------------------------------------------------------------- */

static int by_source_path(const void *a, const void *b)
{
    return strcmp((*(Row *const *)a)->model.source_path, (*(Row *const *)b)->model.source_path);
}

static bool sort_by_path(Rows *rows, Err *err)
{
    rows->by_path = calloc(rows->count + 1, sizeof *rows->by_path);
    if (rows->by_path == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < rows->count; i++)
        rows->by_path[i] = &rows->items[i];
    qsort(rows->by_path, rows->count, sizeof *rows->by_path, by_source_path);
    return true;
}

static size_t first_path(const Rows *rows, const char *path)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(path, rows->by_path[middle]->model.source_path) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool rows_shadow_folder(Rows *rows, const char *path, Err *err)
{
    Buf folder = {0};
    bool ok = (rows->by_path != NULL || sort_by_path(rows, err)) && buf_text(&folder, path, err) && buf_text(&folder, "/", err);
    for (size_t i = ok ? rows_first(rows, folder.data) : 0; ok && i < rows->count; i++) {
        if (!text_starts_with(rows->items[i].model.name, folder.data))
            break;
        rows->items[i].has_source = true;
    }
    for (size_t i = ok ? first_path(rows, folder.data) : 0; ok && i < rows->count; i++) {
        if (!text_starts_with(rows->by_path[i]->model.source_path, folder.data))
            break;
        rows->by_path[i]->has_source = true;
    }
    buf_free(&folder);
    return ok;
}

/* --- the list ---------------------------------------------------------------------------------------------------------------- */

/* Which version do readers of the name get? */
static void note_live_versions(Rows *rows)
{
    for (size_t first = 0, end; first < rows->count; first = end) {
        int32_t live = VERSION_AUTO;
        for (end = first; end < rows->count && strcmp(rows->items[end].model.name, rows->items[first].model.name) == 0; end++)
            if (rows->items[end].model.is_active)
                live = rows->items[end].model.version;
        const OddRow *hidden_by = odd_rows_live(&rows->odd, rows->items[first].model.name);
        for (size_t i = first; i < end; i++) {
            rows->items[i].live_version = live;
            rows->items[i].hidden_by = hidden_by;
        }
    }
}

typedef struct Listing {
    Store *store;
    const ModelList *models;
    bool for_removal;
    Buf other_tables; /* whose readers may want the sources */
    Rows rows;
} Listing;

static bool list_once(void *ctx, Err *err)
{
    Listing *listing = ctx;
    Rows *rows = &listing->rows;
    rows->count = 0;
    buf_clear(&listing->other_tables);
    if ((listing->for_removal && !store_other_tables(listing->store, &listing->other_tables, err)) ||
        !store_examine(listing->store, err) || !store_identity(listing->store, rows->store, err) ||
        !odd_rows_list(listing->store, NULL, &rows->odd, err) ||
        !store_list(listing->store, NULL, note_row, rows, err))
        return false;
    if (rows->count > 0) /* the store's own order need not be that of bytes */
        qsort(rows->items, rows->count, sizeof *rows->items, by_key);
    note_live_versions(rows);
    return fill_missing_digests(listing->store, rows, listing->models, err);
}

static void warn_of_tables(const Buf *names)
{
    if (names->len > 0)
        log_line(LOG_WARN,
                 "%s keeps models too, and was not looked at: where its model_data is NULL, its readers may load folders of "
                 "this tree from the disk",
                 names->data);
}

bool rows_list(Retry *retry, const ModelList *models, bool for_removal, Rows *out, Err *err)
{
    Listing listing = {.models = models, .for_removal = for_removal};
    bool ok = retry_step(retry, &listing.store, list_once, &listing, err);
    store_close(listing.store);
    if (ok)
        warn_of_tables(&listing.other_tables);
    buf_free(&listing.other_tables);
    if (!ok) {
        rows_free(&listing.rows);
        return false;
    }
    odd_rows_warn(&listing.rows.odd);
    *out = listing.rows;
    return true;
}
