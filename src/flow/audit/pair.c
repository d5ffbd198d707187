#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/strmap.h"
#include "base/text.h"
#include "model/content.h"
#include "model/identify.h"
#include "model/stored_key.h"
#include "parts.h"

static void take_row(AuditItem *item, Row *row)
{
    row->claimed = true;
    item->row = &row->model;
    item->name = row->model.name;
    item->version = row->model.version;
    item->raw_bytes = row->model.raw_bytes;
    item->is_unproven = row->content_recorded || (!row->model.has_digests && !row->is_filled);
}

static bool has_content(const Row *row, const Model *model)
{
    Content now = model_content(model), stored = row_content(&row->model);
    return content_equal(&now, &stored);
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
        if (has_content(row, model))
            partner = row;
    }
    return partner;
}

/* A store that an earlier version of this program filled may have the source under another key. When it has its content there, the
 * source goes by that key; what else it has there from this path is history. */
static bool go_by_earlier_key(Rows *rows, ModelList *models, Model *model, Identity *earlier, Err *err)
{
    bool name_known;
    Row *now = find_partner(rows, model, &name_known);
    if (!identify_earlier(model, NULL, earlier))
        return true;
    Row *found = NULL;
    bool is_explicit = earlier->version != VERSION_AUTO;
    size_t i = rows_first(rows, earlier->name);
    for (; i < rows->count && strcmp(rows->items[i].model.name, earlier->name) == 0; i++) {
        Row *row = &rows->items[i];
        if (is_explicit && row->model.version != earlier->version)
            continue;
        row->has_source = row->has_source || strcmp(row->model.source_path, model->path) == 0;
        if (has_content(row, model))
            found = row;
    }
    if (found == NULL || (now != NULL && has_content(now, model)))
        return true;
    model->version = earlier->version;
    model->explicit_version = is_explicit;
    model->name = arena_copy(&models->arena, earlier->name, strlen(earlier->name), err);
    return model->name != NULL;
}

static bool find_earlier_keys(Rows *rows, ModelList *models, Err *err)
{
    Identity *earlier = malloc(sizeof *earlier);
    bool ok = earlier != NULL || err_no_memory(err);
    for (uint32_t i = 0; ok && i < models->count; i++) {
        Model *model = &models->items[i];
        if (model->has_earlier && model->has_content && model->state == MODEL_PENDING)
            ok = go_by_earlier_key(rows, models, model, earlier, err);
    }
    free(earlier);
    return ok;
}

static bool may_be_version_by_folder(const Model *model)
{
    return model->name != NULL && model->state == MODEL_PENDING && model->explicit_version && model->has_earlier;
}

/* The names that the store has from a file without a version. */
static bool find_plain_names(const Rows *rows, const ModelList *models, StrMap *out, Err *err)
{
    bool possible = false, ok = true;
    for (uint32_t i = 0; i < models->count; i++)
        possible = possible || may_be_version_by_folder(&models->items[i]);
    for (size_t i = 0; ok && possible && i < rows->count; i++)
        if (stored_key_is_plain(rows->items[i].model.name, rows->items[i].model.source_path))
            ok = strmap_add(out, rows->items[i].model.name, (uint32_t)i, NULL, err);
    return ok;
}

/* As a run has it: where the name is that of a file without a version, folders are no versions of it, but for those that are
 * stored as such. keys: resolved, by model. */
static bool part_from_plain(const Rows *rows, const StoredKeys *keys, const NameMap *map, ModelList *models, Err *err)
{
    StrMap plain = {0};
    Identity *earlier = malloc(sizeof *earlier);
    bool ok = (earlier != NULL || err_no_memory(err)) && find_plain_names(rows, models, &plain, err);
    size_t next = 0;
    for (uint32_t i = 0; ok && i < models->count; i++) {
        Model *model = &models->items[i];
        while (next < keys->count && keys->items[next].model < i)
            next++;
        bool is_stored = next < keys->count && keys->items[next].model == i;
        if (is_stored || !may_be_version_by_folder(model) || strmap_get(&plain, model->name) == STRMAP_NONE ||
            !identify_earlier(model, map, earlier) || earlier->version != VERSION_AUTO)
            continue;
        model->version = VERSION_AUTO;
        model->explicit_version = false;
        model->name = arena_copy(&models->arena, earlier->name, strlen(earlier->name), err);
        ok = model->name != NULL;
    }
    free(earlier);
    strmap_free(&plain);
    return ok;
}

/* As a run names them: a source goes by the key under which the store has it. */
static bool use_stored_keys(const Rows *rows, const NameMap *map, ModelList *models, Err *err)
{
    StoredKeys keys = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < rows->count; i++) {
        const StoredModel *row = &rows->items[i].model;
        ok = stored_keys_add(&keys, models, map, row->name, row->version, row->source_path, err);
    }
    stored_keys_resolve(&keys);
    ok = ok && part_from_plain(rows, &keys, map, models, err);
    for (size_t i = 0; ok && i < keys.count; i++) {
        Model *model = &models->items[keys.items[i].model];
        model->name = keys.items[i].name;
        model->version = keys.items[i].version;
        model->explicit_version = model->version != VERSION_AUTO;
    }
    stored_keys_free(&keys);
    return ok;
}

/* What the store has under the name of a source that could not be read is not "only in the store". */
static bool shadow_rows(Rows *rows, const Model *model, Err *err)
{
    if (model->is_unreadable) /* whatever is below may have its source there */
        return rows_shadow_folder(rows, model->path, err);
    if (model->name == NULL)
        return true;
    if (model->explicit_version) {
        Row *row = rows_find(rows, model->name, model->version);
        if (row != NULL)
            row->has_source = true;
        return true;
    }
    for (size_t i = rows_first(rows, model->name); i < rows->count && strcmp(rows->items[i].model.name, model->name) == 0; i++)
        rows->items[i].has_source = true;
    return true;
}

/* Other content under the size and the time of what was stored from this very file: so writes nobody but a disk that rots. */
static bool looks_damaged(const StoredModel *row, const Model *model)
{
    return model->kind == MODEL_FILE && row->has_digests && !row->is_tar && !row->no_mtime && row->raw_bytes == model->stamp.size &&
           row->source_mtime_ns / 1000 == model->stamp.mtime_ns / 1000 && strcmp(row->source_path, model->path) == 0;
}

/* *said: there is such a row. */
static bool say_damaged(Audit *audit, AuditItem *item, const Model *model, bool *said, Err *err)
{
    const Rows *rows = audit->rows;
    const StoredModel *row = NULL;
    for (size_t i = rows_first(rows, model->name); i < rows->count && strcmp(rows->items[i].model.name, model->name) == 0; i++)
        if (looks_damaged(&rows->items[i].model, model))
            row = &rows->items[i].model;
    *said = row != NULL;
    if (row == NULL)
        return true;
    Buf text = {0};
    bool ok = buf_format(&text, err, "possibly damaged: it has the size and the time of %s@%d, but not its content; ", row->name,
                         (int)row->version) &&
              buf_format(&text, err, "get %s@%d brings that back", row->name, (int)row->version) &&
              audit_reason(audit, item, AUDIT_DIFFERS, text.data, err);
    buf_free(&text);
    return ok;
}

/* Of a source without a version: in what does it differ from the versions that its name has? From the newest one, that is. */
static bool say_no_version(Audit *audit, AuditItem *item, const Model *model, Err *err)
{
    const Rows *rows = audit->rows;
    Content now = model_content(model);
    size_t last = rows_first(rows, model->name);
    while (last + 1 < rows->count && strcmp(rows->items[last + 1].model.name, model->name) == 0)
        last++;
    Content stored = row_content(&rows->items[last].model);
    if (content_kinds_differ(now.kind, stored.kind))
        return audit_reason(audit, item, AUDIT_DIFFERS,
                            now.kind == CONTENT_DIRECTORY ? "is a directory, and the store has a file under its name"
                                             : "is a file, and the store has a directory under its name",
                            err);
    return audit_reason(audit, item, AUDIT_DIFFERS,
                        digest_equal(&now.digest, &stored.digest)
                            ? "no stored version has its executable bits and folders; run again to store it"
                            : "no stored version has this content; run again to store it",
                        err);
}

/* After the removal a reader must get what the source gave. *text: in the arena. */
static bool say_readers(Audit *audit, AuditItem *item, const Row *row, const Model *model, Err *err)
{
    const StoredModel *stored = &row->model;
    Buf text = {0};
    item->readers_version = row->live_version;
    if (row->live_version == stored->version && row->hidden_by == NULL)
        return true;
    bool ok = row->hidden_by != NULL
                  ? buf_format(&text, err, "readers of %s get the row with %s", stored->name, row->hidden_by->text)
              : row->live_version == VERSION_AUTO
                  ? buf_format(&text, err, "no version of %s is active", stored->name)
                  : buf_format(&text, err, "readers of %s get %s@%d", stored->name, stored->name, (int)row->live_version);
    ok = ok && (stored->is_active || buf_format(&text, err, "; %s@%d is not active", stored->name, (int)stored->version));
    ok = ok && (!stored->is_active || model->explicit_version ||
                buf_format(&text, err, ", and this is the content of %s@%d", stored->name, (int)stored->version));
    const char *copy = ok ? arena_copy(&audit->arena, text.data, text.len, err) : NULL;
    buf_free(&text);
    if (stored->is_active && model->explicit_version)
        item->note = copy;
    else
        item->stays = copy;
    return copy != NULL;
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
        return shadow_rows(rows, model, err) &&
               audit_reason(audit, item, AUDIT_UNCHECKED, model->reason != NULL ? model->reason : "was not read", err);
    }
    Row *partner = find_partner(rows, model, &name_known);
    if (partner == NULL && !name_known) {
        item->letter = AUDIT_ONLY_DISK;
        return true;
    }
    bool damaged = false;
    if ((partner == NULL || !has_content(partner, model)) && !say_damaged(audit, item, model, &damaged, err))
        return false;
    if (partner == NULL && model->is_unmarked)
        return damaged || audit_reason(audit, item, AUDIT_DIFFERS,
                                       "no stored version has this content, and a run would not take this folder for a model any "
                                       "more: name it as a directory model (docs/names.md)", err);
    if (partner == NULL)
        return damaged || say_no_version(audit, item, model, err);
    take_row(item, partner);
    if (!has_content(partner, model))
        return damaged || audit_reason(audit, item, AUDIT_DIFFERS, "the store has other content under this name and version", err);
    item->letter = AUDIT_SAME;
    if (model->is_unmarked) {
        item->readers_version = partner->live_version;
        item->stays = "a run would not take this folder for a model any more";
        return true;
    }
    return say_readers(audit, item, partner, model, err);
}

/* By its own path or by a folder of it, which `old` and `old/` name alike: the scan does not enter that. */
static bool is_excluded(const ScanRules *rules, const char *path)
{
    char part[4096], folder[sizeof part + 1];
    for (const char *end = path; end != NULL;) {
        end = strchr(end + 1, '/');
        snprintf(part, sizeof part, "%.*s", end != NULL ? (int)(end - path) : (int)strlen(path), path);
        snprintf(folder, sizeof folder, "%s/", part);
        for (size_t i = 0; rules->excludes[i] != NULL; i++)
            if (glob_path(rules->excludes[i], part) || (end != NULL && strcmp(rules->excludes[i], folder) == 0))
                return true;
    }
    return false;
}

bool audit_is_selected(const ScanRules *rules, const StoredModel *info)
{
    const char *path = info->source_path[0] != '\0' ? info->source_path : info->name;
    bool included = rules->includes[0] == NULL;
    for (size_t i = 0; rules->includes[i] != NULL && !included; i++)
        included = glob_path(rules->includes[i], path);
    return included && !is_excluded(rules, path);
}

/* Of the name whose first row this is: the newest version that a source has; VERSION_AUTO: none. Rows are sorted by their keys. */
static int32_t newest_claimed(const Rows *rows, size_t index)
{
    const char *name = rows->items[index].model.name;
    int32_t newest = VERSION_AUTO;
    for (; index < rows->count && strcmp(rows->items[index].model.name, name) == 0; index++)
        if (rows->items[index].claimed)
            newest = rows->items[index].model.version;
    return newest;
}

/* A version over that of the source is no history: the source went back, or does not know it. */
static bool add_only_stored(const AuditSettings *settings, Audit *audit, Err *err)
{
    Rows *rows = audit->rows;
    int32_t newest = VERSION_AUTO;
    for (size_t i = 0; i < rows->count; i++) {
        Row *row = &rows->items[i];
        if (i == 0 || strcmp(row->model.name, rows->items[i - 1].model.name) != 0)
            newest = newest_claimed(rows, i);
        if (row->claimed || !audit_is_selected(&settings->scan, &row->model))
            continue;
        bool is_older = row->has_source && (newest == VERSION_AUTO || row->model.version < newest);
        audit->older += is_older;
        if (settings->one_way || (settings->here != NULL && strmap_get(&rows->runs_here, row->model.run_id) == STRMAP_NONE))
            continue;
        AuditItem *item = audit_add(audit, err);
        if (item == NULL)
            return false;
        take_row(item, row);
        item->letter = AUDIT_ONLY_STORE;
        item->is_older = is_older;
    }
    return true;
}

bool audit_pair(const AuditSettings *settings, Audit *audit, const NameMap *map, ModelList *models, Err *err)
{
    if (!use_stored_keys(audit->rows, map, models, err) || !find_earlier_keys(audit->rows, models, err))
        return false;
    for (uint32_t i = 0; i < models->count; i++)
        if (models->items[i].state != MODEL_SKIPPED && !pair_source(audit, &models->items[i], i, err))
            return false;
    return add_only_stored(settings, audit, err);
}
