#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "schema/schema.h"
#include "../deliver/deliver.h"

#define FIND_NAMES 1000

/* --- which rows -------------------------------------------------------------------------------------------------------------- */

static bool is_wanted(const CopySettings *settings, const char *name)
{
    for (size_t i = 0; i < settings->glob_count; i++)
        if (glob_path(settings->globs[i], name))
            return true;
    return settings->glob_count == 0;
}

static bool note_row(void *ctx, const StoredModel *row, Err *err)
{
    CopySource *source = ctx;
    if (!is_wanted(source->settings, row->name))
        return true;
    if (!vec_grow(&source->rows, &source->row_cap, source->row_count, 1, sizeof *row, err))
        return false;
    const StoredModel *like = source->row_count > 0 ? &source->rows[source->row_count - 1] : NULL;
    if (!stored_model_copy(&source->strings, row, like, &source->rows[source->row_count], err))
        return false;
    source->row_count++;
    return true;
}

static int by_name_highest_first(const void *a, const void *b)
{
    const StoredModel *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->version < y->version) - (x->version > y->version);
}

const StoredModel *copy_name_version(const CopyName *name, int32_t version)
{
    StoredModel key = {.name = name->rows->name, .version = version};
    return bsearch(&key, name->rows, name->count, sizeof key, by_name_highest_first);
}

static bool same_name(const StoredModel *a, const StoredModel *b)
{
    return strcmp(a->name, b->name) == 0;
}

/* Leaves of each name its highest active version. */
static void keep_live(CopySource *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < source->row_count; i++)
        if (source->rows[i].is_active && (kept == 0 || !same_name(&source->rows[i], &source->rows[kept - 1])))
            source->rows[kept++] = source->rows[i];
    source->row_count = kept;
}

static int by_size(const void *a, const void *b)
{
    const CopyName *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes) : strcmp(x->rows->name, y->rows->name);
}

static bool group_names(CopySource *source, Err *err)
{
    size_t cap = 0;
    for (size_t i = 0; i < source->row_count; i++) {
        StoredModel *row = &source->rows[i];
        CopyName *name = source->name_count > 0 ? &source->names[source->name_count - 1] : NULL;
        if (name == NULL || !same_name(name->rows, row)) {
            if (!vec_grow(&source->names, &cap, source->name_count, 1, sizeof *name, err))
                return false;
            name = &source->names[source->name_count++];
            *name = (CopyName){.rows = row};
        }
        name->count++;
        name->bytes += row->stored_bytes;
    }
    if (source->name_count > 0)
        qsort(source->names, source->name_count, sizeof *source->names, by_size);
    return true;
}

static void warn_of_empty_globs(const CopySource *source)
{
    const CopySettings *settings = source->settings;
    for (size_t i = 0; i < settings->glob_count; i++) {
        bool used = false;
        for (size_t at = 0; !used && at < source->name_count; at++)
            used = glob_path(settings->globs[i], source->names[at].rows->name);
        if (!used)
            log_line(LOG_WARN, "%s has no model \"%s\"", store_target_label(settings->from->target), settings->globs[i]);
    }
}

/* --- rows of other programs -------------------------------------------------------------------------------------------------- */

static bool has_content(const StoredModel *row)
{
    return row->has_digests || digest_is_known(&row->content);
}

static bool note_content(void *ctx, const StoreVersion *found, Err *err)
{
    CopySource *source = ctx;
    StoredModel key = {.name = found->name, .version = found->version};
    StoredModel *row =
        source->row_count > 0 ? bsearch(&key, source->rows, source->row_count, sizeof key, by_name_highest_first) : NULL;
    (void)err;
    if (row != NULL && !found->is_unhashed && !has_content(row))
        row->content = found->content;
    return true;
}

/* The rows are sorted by name. */
static bool learn_contents(CopySource *source, Err *err)
{
    const char *names[FIND_NAMES];
    size_t count = 0;
    for (size_t i = 0; i < source->row_count; i++) {
        const StoredModel *row = &source->rows[i];
        if (!has_content(row) && (count == 0 || strcmp(names[count - 1], row->name) != 0))
            names[count++] = row->name;
        if (count == FIND_NAMES || (count > 0 && i + 1 == source->row_count)) {
            if (!store_find(source->store, names, count, note_content, source, err))
                return false;
            count = 0;
        }
    }
    return true;
}

static bool list_once(void *ctx, Err *err)
{
    CopySource *source = ctx;
    source->row_count = 0;
    arena_free(&source->strings);
    store_use_digests(source->store, false);
    if (!schema_require_head(source->store, source->settings->from->target, err) ||
        !odd_rows_list(source->store, NULL, &source->odd, err) || !store_list(source->store, NULL, note_row, source, err))
        return false;
    if (source->row_count > 0) /* the store's own order need not be that of bytes */
        qsort(source->rows, source->row_count, sizeof *source->rows, by_name_highest_first);
    if (source->settings->live_only)
        keep_live(source);
    return learn_contents(source, err) && store_identity(source->store, source->identity, err);
}

bool copy_source_list(CopySource *source, Err *err)
{
    if (!retry_step(source->settings->from, &source->store, list_once, source, err) || !group_names(source, err))
        return false;
    odd_rows_warn(&source->odd);
    warn_of_empty_globs(source);
    return true;
}

/* --- payloads ---------------------------------------------------------------------------------------------------------------- */

/* Each thing that is recorded by itself; the content of a row of another program is its payload. */
static bool is_as_recorded(const StoredModel *row, const Digest *stored, uint64_t bytes)
{
    return bytes == row->stored_bytes && (!digest_is_known(&row->stored) || digest_equal(stored, &row->stored)) &&
           (row->has_digests || digest_equal(stored, &row->content));
}

/* payload NULL: it is hashed only. */
static bool read_payload(CopySource *source, const StoredModel *row, Spool *payload, Digest *stored, uint64_t *bytes, Err *err)
{
    const void *data;
    size_t len;
    Sha256 *sha = sha256_new(err);
    if (sha == NULL || !store_fetch_open(source->store, row->name, row->version, bytes, err)) {
        sha256_free(sha);
        return false;
    }
    bool ok;
    *bytes = 0;
    while ((ok = interrupt_check(err) && store_fetch_next(source->store, &data, &len, err)) && len > 0) {
        *bytes += len;
        if (!(ok = sha256_add(sha, data, len, err) && (payload == NULL || spool_write(payload, data, len, err))))
            break;
    }
    store_fetch_close(source->store);
    ok = ok && sha256_end(sha, stored, err);
    sha256_free(sha);
    return ok;
}

typedef struct Again {
    const StoredModel *row;
    bool is_there, is_same;
    bool was_worked_out; /* it records no digest: the one that it must have was made of its payload when the copy began */
} Again;

static bool look_again(void *ctx, const StoredModel *now, Err *err)
{
    Again *again = ctx;
    const StoredModel *row = again->row;
    (void)err;
    again->is_there = true;
    again->is_same = now->has_digests == row->has_digests && now->stored_bytes == row->stored_bytes &&
                     digest_equal(&now->stored, &row->stored) &&
                     (!digest_is_known(&now->content) || digest_equal(&now->content, &row->content));
    again->was_worked_out = !digest_is_known(&now->content) && !digest_is_known(&now->stored);
    return true;
}

/* What is not as recorded when the copy began may have been changed by its owner since. */
static bool ask_again(CopySource *source, const StoredModel *row, Again *again, Err *err)
{
    StoreFilter filter = {.names = (const char *const[]){row->name}, .count = 1, .version = &row->version};
    *again = (Again){.row = row};
    return store_list(source->store, &filter, look_again, again, err);
}

static bool set_fault(CopySource *source, const char *text, const char **fault)
{
    text_copy(source->fault, sizeof source->fault, text);
    *fault = source->fault;
    return true;
}

static bool is_unprovable(const StoredModel *row)
{
    return !row->has_digests && (row->is_gzip || row->is_tar || row->is_pickle);
}

/* Why its payload cannot be had. `why`: what reading it failed with, or nothing. */
static bool explain(CopySource *source, const StoredModel *row, Err *why, const char **fault)
{
    Again again;
    Err skipped = *why;
    *why = (Err){0};
    if (!ask_again(source, row, &again, why))
        return false;
    if (!again.is_there)
        return set_fault(source, "was removed while it was copied", fault);
    if (!again.is_same || (again.was_worked_out && skipped.cls != ERR_SKIP))
        return set_fault(source, "was changed while it was copied; the same command takes it as it is now", fault);
    if (skipped.cls == ERR_SKIP)
        return set_fault(source, deliver_reason(row, skipped.text), fault);
    return set_fault(source, "is damaged in the store that it comes from: its payload is not what was stored", fault);
}

bool copy_source_load(CopySource *source, const StoredModel *row, Spool *payload, Digest *stored, const char **fault, Err *err)
{
    Err why = {0};
    Digest digest;
    uint64_t bytes;
    if (payload != NULL)
        spool_reset(payload);
    *fault = NULL;
    if (is_unprovable(row))
        return set_fault(source, "is compressed or a directory and records no digests, so nothing tells whether it is whole",
                         fault);
    bool ok = (source->store != NULL || store_open(source->settings->from->target, &source->store, NULL, &why)) &&
              read_payload(source, row, payload, &digest, &bytes, &why);
    if (ok && stored != NULL)
        *stored = digest;
    bool is_whole = ok && is_as_recorded(row, &digest, bytes);
    if (is_whole || ((ok || why.cls == ERR_SKIP) && explain(source, row, &why, fault)))
        return true;
    if (why.cls == ERR_RETRY) {
        store_close(source->store);
        source->store = NULL;
    }
    *err = why;
    return false;
}

void copy_source_free(CopySource *source)
{
    store_close(source->store);
    free(source->rows);
    free(source->names);
    odd_rows_free(&source->odd);
    arena_free(&source->strings);
}
