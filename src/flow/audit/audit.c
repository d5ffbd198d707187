#include "flow/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "parts.h"
#include "../pool.h"
#include "source/pack.h"
#include "model/plan.h"

unsigned audit_index(AuditLetter letter)
{
    static const char letters[] = "=+-*!";
    const char *at = strchr(letters, (char)letter);
    return at != NULL ? (unsigned)(at - letters) : 4;
}

void audit_free(Audit *audit)
{
    free(audit->items);
    arena_free(&audit->arena);
    *audit = (Audit){0};
}

bool audit_reason(Audit *audit, AuditItem *item, AuditLetter letter, const char *text, Err *err)
{
    item->letter = letter;
    item->reason = arena_copy(&audit->arena, text, strlen(text), err);
    return item->reason != NULL;
}

static AuditItem *add_item(Audit *audit, Err *err)
{
    AuditItem *item = vec_push(audit, err);
    if (item != NULL)
        *item = (AuditItem){.model = UINT32_MAX, .version = VERSION_AUTO};
    return item;
}

/* --- every source is read ---------------------------------------------------------------------------------------------------- */

typedef struct HashJob {
    const SourceTree *tree;
    const StrMap *only;
    bool follow_links;
} HashJob;

static void *start_hash(void *shared, Err *err)
{
    const HashJob *job = shared;
    PackSettings settings = {.level = 0, .temp_dir = "/tmp", .follow_links = job->follow_links, .keep_payload = false};
    return packer_new(&settings, err);
}

static bool hash_source(void *shared, void *own, uint32_t index, Err *err)
{
    const HashJob *job = shared;
    Model *model = &job->tree->models->items[index];
    Packed packed;
    if (model->state != MODEL_PENDING || (job->only != NULL && strmap_get(job->only, model->path) == STRMAP_NONE))
        return true;
    if (!pack_model(own, job->tree->root, model, &packed, err)) {
        if (err->cls != ERR_SKIP)
            return false;
        model_fail(model, MODEL_FAILED, err);
        return true;
    }
    model->content = packed.content;
    model->has_content = true;
    model->stamp = packed.stamp;
    return true;
}

static void stop_hash(void *own)
{
    packer_free(own);
}

static bool hash_sources(const AuditSettings *settings, SourceTree *tree, Err *err)
{
    HashJob shared = {.tree = tree, .only = settings->only, .follow_links = settings->scan.follow_links};
    PoolJob job = {.start = start_hash, .item = hash_source, .stop = stop_hash, .shared = &shared};
    return pool_run(settings->jobs, tree->models->count, &job, err);
}

/* --- the rows of the store --------------------------------------------------------------------------------------------------- */

static bool note_row(void *ctx, const StoredModel *info, Err *err)
{
    Rows *rows = ctx;
    if (!vec_reserve(rows, 1, err))
        return false;
    Row *row = &rows->items[rows->count];
    const StoredModel *before = rows->count > 0 ? &rows->items[rows->count - 1].info : NULL;
    *row = (Row){0};
    if (!stored_model_copy(&rows->audit->arena, info, before, &row->info, err))
        return false;
    rows->count++;
    return true;
}

static int compare_key(const char *name, int32_t version, const StoredModel *info)
{
    int order = strcmp(name, info->name);
    return order != 0 ? order : (version > info->version) - (version < info->version);
}

/* The first row of a name, or where it would be: the rows come in the order of names and versions. */
static size_t first_row(const Rows *rows, const char *name)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(name, INT32_MIN, &rows->items[middle].info) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Rows that another program wrote have no digest: the server works it out. Their payload is their content. */
static bool fill_digest(void *ctx, const StoreVersion *version, Err *err)
{
    Rows *rows = ctx;
    (void)err;
    for (size_t i = first_row(rows, version->name); i < rows->count && strcmp(rows->items[i].info.name, version->name) == 0; i++) {
        Row *row = &rows->items[i];
        StoredModel *info = &row->info;
        if (info->version == version->version && !info->has_digests && !row->is_filled) {
            row->content_recorded = digest_equal(&info->content, &version->content);
            info->content = info->stored = version->content;
            info->raw_bytes = info->stored_bytes;
            if (!row->content_recorded)
                info->is_tar = info->is_gzip = false;
            row->is_filled = true;
        }
    }
    return true;
}

static bool fill_missing_digests(Store *store, Rows *rows, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < rows->count; i++)
        if (!rows->items[i].info.has_digests && !rows->items[i].is_filled)
            ok = store_find(store, &rows->items[i].info.name, 1, fill_digest, rows, err);
    return ok;
}

typedef struct Listing {
    Store *store;
    Rows *rows;
} Listing;

static bool list_once(void *ctx, Err *err)
{
    const Listing *listing = ctx;
    Rows *rows = listing->rows;
    rows->count = 0;
    return store_is_primary(listing->store, &rows->audit->primary, err) &&
           store_list(listing->store, NULL, 0, note_row, rows, err) && fill_missing_digests(listing->store, rows, err);
}

static bool list_rows(const AuditSettings *settings, Rows *rows, Err *err)
{
    Listing listing = {.rows = rows};
    bool ok = retry_step(settings->retry, &listing.store, list_once, &listing, err);
    store_close(listing.store);
    return ok;
}

/* --- pairs ------------------------------------------------------------------------------------------------------------------- */

static void take_row(AuditItem *item, Row *row)
{
    const StoredModel *info = &row->info;
    row->claimed = true;
    item->name = info->name;
    item->version = info->version;
    item->has_row = true;
    item->model_type = info->model_type;
    item->content = info->content;
    item->stored = info->stored;
    item->raw_bytes = info->raw_bytes;
    item->stored_bytes = info->stored_bytes;
    item->created_ns = info->created_ns;
    snprintf(item->run_id, sizeof item->run_id, "%s", info->run_id);
    item->has_digests = info->has_digests;
    item->is_unproven = row->content_recorded;
    item->is_tar = info->is_tar;
    item->is_gzip = info->is_gzip;
    item->is_active = info->is_active;
    item->chunk_count = info->chunk_count;
}

/* A source with a version stands for that row; one without stands for the newest row that has its content. */
static Row *find_partner(Rows *rows, const Model *model, bool *name_known)
{
    Row *partner = NULL;
    *name_known = false;
    for (size_t i = first_row(rows, model->name); i < rows->count && strcmp(rows->items[i].info.name, model->name) == 0; i++) {
        Row *row = &rows->items[i];
        *name_known = true;
        row->has_source = row->has_source || !model->explicit_version;
        if (model->explicit_version ? row->info.version == model->version : digest_equal(&row->info.content, &model->content))
            partner = row;
    }
    return partner;
}

/* Whatever is below a directory that cannot be read may have its source there. */
static void shadow_folder(Rows *rows, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < rows->count; i++) {
        const StoredModel *info = &rows->items[i].info;
        if ((strncmp(info->name, path, len) == 0 && info->name[len] == '/') ||
            (strncmp(info->source_path, path, len) == 0 && info->source_path[len] == '/'))
            rows->items[i].has_source = true;
    }
}

/* What the store has under the name of a source that could not be read is not "only in the store". */
static void shadow_rows(Rows *rows, const Model *model)
{
    if (model->is_unreadable) {
        shadow_folder(rows, model->path);
        return;
    }
    if (model->name == NULL)
        return;
    for (size_t i = first_row(rows, model->name); i < rows->count && strcmp(rows->items[i].info.name, model->name) == 0; i++)
        if (!model->explicit_version || rows->items[i].info.version == model->version)
            rows->items[i].has_source = true;
}

static bool pair_source(Audit *audit, Rows *rows, const Model *model, uint32_t index, Err *err)
{
    AuditItem *item = add_item(audit, err);
    bool name_known;
    if (item == NULL)
        return false;
    item->model = index;
    item->name = model->name;
    item->version = model->version;
    item->raw_bytes = model->stamp.size;
    item->stamp = model->stamp;
    if (!model->has_content || model->state != MODEL_PENDING) {
        shadow_rows(rows, model);
        return audit_reason(audit, item, AUDIT_UNCHECKED, model->reason != NULL ? model->reason : "was not read", err);
    }
    Row *partner = find_partner(rows, model, &name_known);
    if (partner == NULL && !name_known) {
        item->letter = AUDIT_ONLY_DISK;
        return true;
    }
    if (partner == NULL && model->explicit_version) {
        item->letter = AUDIT_ONLY_DISK;
        return true;
    }
    if (partner == NULL)
        return audit_reason(audit, item, AUDIT_DIFFERS, "no stored version has this content; run again to store it", err);
    take_row(item, partner);
    if (!digest_equal(&partner->info.content, &model->content))
        return audit_reason(audit, item, AUDIT_DIFFERS, "the store has other content under this name and version", err);
    item->letter = AUDIT_SAME;
    return true;
}

static bool is_selected(const ScanRules *rules, const StoredModel *info)
{
    const char *path = info->source_path[0] != '\0' ? info->source_path : info->name;
    bool included = rules->includes[0] == NULL;
    for (size_t i = 0; rules->includes[i] != NULL && !included; i++)
        included = text_glob(rules->includes[i], path);
    for (size_t i = 0; rules->excludes[i] != NULL && included; i++)
        included = !text_glob(rules->excludes[i], path);
    return included;
}

static bool add_only_stored(const AuditSettings *settings, Audit *audit, Rows *rows, Err *err)
{
    for (size_t i = 0; i < rows->count; i++) {
        Row *row = &rows->items[i];
        if (row->claimed || !is_selected(&settings->scan, &row->info))
            continue;
        audit->older += row->has_source;
        if (settings->one_way)
            continue;
        AuditItem *item = add_item(audit, err);
        if (item == NULL)
            return false;
        take_row(item, row);
        item->letter = AUDIT_ONLY_STORE;
        item->is_older = row->has_source;
    }
    return true;
}

static bool pair_all(const AuditSettings *settings, Audit *audit, Rows *rows, const ModelList *models, Err *err)
{
    for (uint32_t i = 0; i < models->count; i++)
        if (models->items[i].state != MODEL_SKIPPED && !pair_source(audit, rows, &models->items[i], i, err))
            return false;
    return add_only_stored(settings, audit, rows, err);
}

/* Two sources with one key: the plan knows how to tell. */
static bool refuse_twins(ModelList *models, Err *err)
{
    Plan *plan = NULL;
    bool ok = plan_new(models, CHANGE_FAIL, &plan, err);
    plan_free(plan);
    return ok;
}

static void count(Audit *audit)
{
    for (size_t i = 0; i < audit->count; i++) {
        if (audit->items[i].is_older && audit->items[i].letter == AUDIT_ONLY_STORE)
            continue;
        unsigned index = audit_index(audit->items[i].letter);
        audit->counts[index]++;
        audit->bytes[index] += audit->items[i].raw_bytes;
    }
}

bool audit_run(const AuditSettings *settings, SourceTree *tree, ModelList *models, Audit *out, Err *err)
{
    Audit audit = {0};
    Rows rows = {.audit = &audit};
    bool ok = source_tree_open(settings->models_dir, tree, err) &&
              source_tree_scan(tree, &settings->scan, settings->map_file, models, err) && refuse_twins(models, err) &&
              list_rows(settings, &rows, err) && hash_sources(settings, tree, err) &&
              pair_all(settings, &audit, &rows, models, err) && audit_prove(settings, &audit, err);
    free(rows.items);
    if (!ok) {
        audit_free(&audit);
        return false;
    }
    count(&audit);
    *out = audit;
    return true;
}
