#include "model/stored_key.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "model/identify.h"

/* The list is sorted by path. */
static Model *find_path(const ModelList *list, const char *path)
{
    uint32_t low = 0, high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(list->items[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && strcmp(list->items[low].path, path) == 0 ? &list->items[low] : NULL;
}

static bool fits(const Identity *identity, int32_t version)
{
    return identity->version == VERSION_AUTO || identity->version == version;
}

static bool has_suffix_behind(const Model *model, const char *alone, const char *name)
{
    size_t len = strlen(alone);
    return model->kind == MODEL_FILE && model->suffix_len > 0 && strncmp(name, alone, len) == 0 &&
           strcmp(name + len, model->path + strlen(model->path) - model->suffix_len) == 0;
}

bool stored_key_is_usual(const Model *model, const char *name, const char *source_path)
{
    size_t len = strlen(name), suffix = model->suffix_len;
    bool has_suffix = suffix > 0 && len > suffix && strcmp(name + len - suffix, model->path + strlen(model->path) - suffix) == 0;
    return !model->has_earlier && !has_suffix && strcmp(model->name, name) == 0 && strcmp(model->path, source_path) == 0;
}

/* *key: the version that the path gives under that name. */
static KeyRank rank_row(const Model *model, const NameMap *map, const char *name, int32_t version, int32_t *key)
{
    Identity identity;
    if (identify(model, map, &identity, NULL) && fits(&identity, version)) {
        *key = identity.version;
        if (strcmp(identity.name, name) == 0)
            return KEY_ALONE;
        if (has_suffix_behind(model, identity.name, name))
            return KEY_SUFFIX;
    }
    *key = VERSION_AUTO;
    return model->has_earlier && identify_earlier(model, map, &identity) && identity.version == VERSION_AUTO &&
                   strcmp(identity.name, name) == 0
               ? KEY_EARLIER
               : KEY_OTHER;
}

bool stored_keys_add(StoredKeys *keys, ModelList *list, const NameMap *map, const char *name, int32_t version,
                     const char *source_path, Err *err)
{
    const Model *model = source_path[0] != '\0' ? find_path(list, source_path) : NULL;
    int32_t key;
    if (model == NULL || model->state != MODEL_PENDING || model->named_by_map || model->name == NULL ||
        stored_key_is_usual(model, name, source_path))
        return true;
    KeyRank rank = rank_row(model, map, name, version, &key);
    if (rank == KEY_OTHER)
        return true;
    const char *kept = strcmp(model->name, name) == 0 ? model->name : arena_copy(&list->arena, name, strlen(name), err);
    StoredKey *added = kept != NULL ? vec_push(keys, err) : NULL;
    if (added != NULL)
        *added = (StoredKey){
            .model = (uint32_t)(model - list->items), .name = kept, .version = key, .row_version = version, .rank = rank};
    return added != NULL;
}

static int best_of_model_first(const void *a, const void *b)
{
    const StoredKey *x = a, *y = b;
    if (x->model != y->model)
        return x->model < y->model ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank > y->rank ? -1 : 1;
    return (x->row_version < y->row_version) - (x->row_version > y->row_version);
}

static int newest_of_name_first(const void *a, const void *b)
{
    const StoredKey *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order == 0)
        order = (x->version > y->version) - (x->version < y->version);
    return order != 0 ? order : (x->row_version < y->row_version) - (x->row_version > y->row_version);
}

void stored_keys_resolve(StoredKeys *keys)
{
    size_t kept = 0;
    if (keys->count == 0)
        return;
    qsort(keys->items, keys->count, sizeof *keys->items, best_of_model_first);
    for (size_t i = 0; i < keys->count; i++)
        if (kept == 0 || keys->items[kept - 1].model != keys->items[i].model)
            keys->items[kept++] = keys->items[i];
    keys->count = kept;
    qsort(keys->items, keys->count, sizeof *keys->items, newest_of_name_first);
    kept = 0;
    for (size_t i = 0; i < keys->count; i++)
        if (kept == 0 || keys->items[i].version != VERSION_AUTO || keys->items[kept - 1].version != VERSION_AUTO ||
            strcmp(keys->items[kept - 1].name, keys->items[i].name) != 0)
            keys->items[kept++] = keys->items[i];
    keys->count = kept;
    qsort(keys->items, keys->count, sizeof *keys->items, best_of_model_first);
}

void stored_keys_free(StoredKeys *keys)
{
    free(keys->items);
    *keys = (StoredKeys){0};
}

bool stored_key_is_plain(const char *name, const char *path)
{
    size_t len = strlen(name);
    const char *rest = path + len;
    if (strncmp(path, name, len) != 0 || rest[0] != '.' || strchr(rest, '/') != NULL)
        return false;
    return !(rest[1] == 'v' && isdigit((unsigned char)rest[2]));
}
