#include <string.h>

#include "base/text.h"
#include "parts.h"

static void take_row(AuditItem *item, Row *row)
{
    row->claimed = true;
    item->row = &row->model;
    item->name = row->model.name;
    item->version = row->model.version;
    item->raw_bytes = row->model.raw_bytes;
    item->is_unproven = row->content_recorded;
}

/* A source with a version stands for that row; one without stands for the newest row that has its content. */
static Row *find_partner(Rows *rows, const Model *model, bool *name_known)
{
    Row *partner = NULL;
    size_t first = rows_first(rows, model->name);
    *name_known = false;
    if (model->explicit_version)
        return rows_find(rows, model->name, model->version);
    for (size_t i = first; i < rows->count && strcmp(rows->items[i].model.name, model->name) == 0; i++) {
        Row *row = &rows->items[i];
        *name_known = row->has_source = true;
        if (digest_equal(&row->model.content, &model->content))
            partner = row;
    }
    return partner;
}

/* Whatever is below a directory that cannot be read may have its source there. */
static void shadow_folder(Rows *rows, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < rows->count; i++) {
        const StoredModel *info = &rows->items[i].model;
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
    for (size_t i = rows_first(rows, model->name); i < rows->count && strcmp(rows->items[i].model.name, model->name) == 0; i++)
        if (!model->explicit_version || rows->items[i].model.version == model->version)
            rows->items[i].has_source = true;
}

static bool pair_source(Audit *audit, const Model *model, uint32_t index, Err *err)
{
    AuditItem *item = audit_add(audit, err);
    Rows *rows = audit->rows;
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
    if (partner == NULL)
        return audit_reason(audit, item, AUDIT_DIFFERS, "no stored version has this content; run again to store it", err);
    take_row(item, partner);
    if (!digest_equal(&partner->model.content, &model->content))
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

static bool add_only_stored(const AuditSettings *settings, Audit *audit, Err *err)
{
    Rows *rows = audit->rows;
    for (size_t i = 0; i < rows->count; i++) {
        Row *row = &rows->items[i];
        if (row->claimed || !is_selected(&settings->scan, &row->model))
            continue;
        audit->older += row->has_source;
        if (settings->one_way)
            continue;
        AuditItem *item = audit_add(audit, err);
        if (item == NULL)
            return false;
        take_row(item, row);
        item->letter = AUDIT_ONLY_STORE;
        item->is_older = row->has_source;
    }
    return true;
}

bool audit_pair(const AuditSettings *settings, Audit *audit, const ModelList *models, Err *err)
{
    for (uint32_t i = 0; i < models->count; i++)
        if (models->items[i].state != MODEL_SKIPPED && !pair_source(audit, &models->items[i], i, err))
            return false;
    return add_only_stored(settings, audit, err);
}
