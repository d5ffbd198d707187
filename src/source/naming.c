#include "naming.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/link.h"
#include "base/strmap.h"
#include "model/identify.h"
#include "model/look_alike.h"
#include "model/series.h"
#include "sound.h"

#define PASSES_MAX 100 /* so many of one series may be no models; each costs a pass over the list */
#define KEY_BYTES (4 * STORE_NAME_MAX + 32)

typedef struct Naming {
    SourceTree *tree;
    ModelList *list;
    Identity identity; /* scratch */
    char key[5 * KEY_BYTES], other[5 * KEY_BYTES], when[5 * KEY_BYTES];
} Naming;

static bool is_named(const Model *model)
{
    return model->name != NULL && model->state != MODEL_SKIPPED;
}

static bool set_key(Naming *naming, Model *model, const char *name, int32_t version, Err *err)
{
    model->version = version;
    model->explicit_version = version != VERSION_AUTO;
    model->name = arena_copy(&naming->list->arena, name, strlen(name), err);
    return model->name != NULL;
}

static void note_map(Naming *naming, Model *model)
{
    const NameMapRow *row = naming->tree->map != NULL ? name_map_find(naming->tree->map, model->path) : NULL;
    if (row == NULL)
        return;
    name_map_mark(naming->tree->map, row);
    model->named_by_map = row->name != NULL;
}

/* Did an earlier version give this path another key? Most paths have no digit, and no version was ever in them. */
static bool had_another_key(Naming *naming, const Model *model)
{
    if (strpbrk(model->path, "0123456789") == NULL)
        return false;
    char *name = naming->key;
    snprintf(name, sizeof naming->key, "%s", naming->identity.name);
    int32_t version = naming->identity.version;
    return identify_earlier(model, naming->tree->map, &naming->identity) &&
           (naming->identity.version != version || strcmp(naming->identity.name, name) != 0);
}

static bool name_one(Naming *naming, Model *model, Err *err)
{
    Err why = {0};
    /* A file that cannot be read keeps its reason, but its name is wanted: what is stored under it has a source. */
    if (model->state == MODEL_SKIPPED || model->is_unreadable)
        return true;
    note_map(naming, model);
    if (!identify(model, naming->tree->map, &naming->identity, &why)) {
        if (model->state == MODEL_PENDING)
            model_fail(model, MODEL_FAILED, &why);
        return true;
    }
    if (!set_key(naming, model, naming->identity.name, naming->identity.version, err))
        return false;
    model->has_earlier = had_another_key(naming, model);
    return true;
}

/* --- two sources, one key ---------------------------------------------------------------------------------------------------- */

/* Back to the key of the path itself: a folder that is a version holds two files that are no one's name. */
static bool use_earlier(Naming *naming, Model *model, Err *err)
{
    if (!model->has_earlier || !identify_earlier(model, naming->tree->map, &naming->identity))
        return true;
    model->has_earlier = false;
    return set_key(naming, model, naming->identity.name, naming->identity.version, err);
}

static size_t stem_length(const Model *model)
{
    return strlen(model->path) - model->suffix_len;
}

static bool differ_in_suffix(const Model *a, const Model *b)
{
    return a->kind == MODEL_FILE && b->kind == MODEL_FILE && stem_length(a) == stem_length(b) &&
           strncmp(a->path, b->path, stem_length(a)) == 0;
}

static bool keep_suffix(Naming *naming, Model *model, Err *err)
{
    size_t suffix = strlen(model->path) - model->suffix_len, len = strlen(model->name);
    if (len >= model->suffix_len && strcmp(model->name + len - model->suffix_len, model->path + suffix) == 0)
        return true;
    int all = snprintf(naming->key, sizeof naming->key, "%s%s", model->name, model->path + suffix);
    return all > STORE_NAME_MAX || set_key(naming, model, naming->key, model->version, err);
}

static bool tell_apart(Naming *naming, Model *a, Model *b, Err *err)
{
    if (a->named_by_map || b->named_by_map)
        return true;
    if (differ_in_suffix(a, b))
        return keep_suffix(naming, a, err) && keep_suffix(naming, b, err);
    return use_earlier(naming, a, err) && use_earlier(naming, b, err);
}

/* One suffix, and no key that is new: then no two files can have one key that they had not before. */
static bool may_have_twins(const ModelList *list)
{
    const Model *first = NULL;
    for (uint32_t i = 0; i < list->count; i++) {
        const Model *model = &list->items[i];
        if (!is_named(model) || model->kind != MODEL_FILE)
            continue;
        first = first == NULL ? model : first;
        if (model->has_earlier || strcmp(model->path + stem_length(model), first->path + stem_length(first)) != 0)
            return true;
    }
    return false;
}

static bool settle_twins(Naming *naming, Err *err)
{
    ModelList *list = naming->list;
    StrMap keys = {0};
    Arena arena = {0};
    bool ok = true;
    uint32_t count = may_have_twins(list) ? list->count : 0;
    for (uint32_t i = 0; ok && i < count; i++) {
        Model *model = &list->items[i];
        uint32_t before;
        if (!is_named(model))
            continue;
        int len = snprintf(naming->key, sizeof naming->key, "%s\n%d", model->name, (int)model->version);
        const char *key = arena_copy(&arena, naming->key, (size_t)len, err);
        ok = key != NULL && interrupt_check(err) && strmap_add(&keys, key, i, &before, err) &&
             (before == STRMAP_NONE || tell_apart(naming, &list->items[before], model, err));
    }
    strmap_free(&keys);
    arena_free(&arena);
    return ok;
}

/* churn.joblib and churn/3/model.joblib are two models: the folder is a version only where no other source has its name without
 * one. */
static bool part_folders(Naming *naming, Err *err)
{
    ModelList *list = naming->list;
    StrMap names = {0};
    bool ok = true, possible = false;
    for (uint32_t i = 0; i < list->count; i++)
        possible = possible || (list->items[i].has_earlier && list->items[i].explicit_version);
    for (uint32_t i = 0; ok && possible && i < list->count; i++)
        if (is_named(&list->items[i]) && !list->items[i].explicit_version)
            ok = strmap_add(&names, list->items[i].name, i, NULL, err);
    for (uint32_t i = 0; ok && possible && i < list->count; i++) {
        Model *model = &list->items[i];
        if (is_named(model) && model->explicit_version && model->has_earlier && !model->named_by_map &&
            strmap_get(&names, model->name) != STRMAP_NONE &&
            identify_earlier(model, naming->tree->map, &naming->identity) && naming->identity.version == VERSION_AUTO)
            ok = use_earlier(naming, model, err);
    }
    strmap_free(&names);
    return ok;
}

/* --- what names say together ------------------------------------------------------------------------------------------------- */

static bool note_twins(Naming *naming, LookAlike kind, const Model *a, const Model *b, uint32_t more, Err *err)
{
    char others[64] = "";
    if (more > 0)
        snprintf(others, sizeof others, "; so do %u more", (unsigned)more);
    return left_out_note(&naming->list->left_out, err, "%s and %s: the names differ %s%s; each is stored under its own", a->path,
                         b->path,
                         kind == LOOK_ALIKE_CASE ? "in the case of letters only"
                                                 : "in their Unicode form only (NFC and NFD) and look the same",
                         others);
}

/* Two names that a person takes for the same are stored apart; one warning says so. */
static bool look_for_twins(Naming *naming, LookAlike kind, Err *err)
{
    ModelList *list = naming->list;
    StrMap keys = {0};
    Arena arena = {0};
    const Model *first[2] = {NULL, NULL};
    uint32_t more = 0, possible = 0;
    bool ok = true;
    for (uint32_t i = 0; i < list->count; i++)
        possible += is_named(&list->items[i]) && look_alike_possible(list->items[i].name, kind);
    for (uint32_t i = 0; ok && possible > 0 && i < list->count; i++) {
        const Model *model = &list->items[i];
        uint32_t before;
        if (!is_named(model) || !look_alike_key(model->name, kind, naming->key, sizeof naming->key))
            continue;
        const char *key = arena_copy(&arena, naming->key, strlen(naming->key), err);
        ok = key != NULL && interrupt_check(err) && strmap_add(&keys, key, i, &before, err);
        if (!ok || before == STRMAP_NONE || strcmp(list->items[before].name, model->name) == 0 ||
            (kind == LOOK_ALIKE_MARKS &&
             look_alike_is_decomposed(list->items[before].name) == look_alike_is_decomposed(model->name)))
            continue;
        more += first[0] != NULL;
        if (first[0] == NULL) {
            first[0] = &list->items[before];
            first[1] = model;
        }
    }
    ok = ok && (first[0] == NULL || note_twins(naming, kind, first[0], first[1], more, err));
    strmap_free(&keys);
    arena_free(&arena);
    return ok;
}

/* A file that will not be stored is no reason to take an older one from its readers. */
static bool is_whole(const Naming *naming, const Model *model)
{
    if (model->kind != MODEL_FILE)
        return true;
    int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
    int fd = model->followed_link ? link_open(naming->tree->root, model->path, flags)
                                  : fs_open_beneath(naming->tree->root, model->path, flags, false);
    bool whole = fd >= 0 && sound_file(fd, model->path, model->stamp.size);
    if (fd >= 0)
        close(fd);
    return whole;
}

/* The newest members so far, one of each series, as indexes into the list. */
typedef struct Series {
    StrMap by_key; /* to the place in newest */
    Arena arena;
    uint32_t *newest, *count; /* how many members it has */
    uint32_t series_count;
    bool *is_out; /* by model: it is not whole */
} Series;

static bool add_member(Naming *naming, Series *series, uint32_t index, Err *err)
{
    ModelList *list = naming->list;
    Model *model = &list->items[index];
    uint32_t known;
    if (!is_named(model) || model->state == MODEL_FAILED || model->named_by_map || model->explicit_version ||
        series->is_out[index] || !series_split(model->name, naming->key, naming->other, sizeof naming->key))
        return true;
    /* The time behind the key: both are compared with those of the newest so far. */
    memcpy(naming->when, naming->other, strlen(naming->other) + 1);
    const char *key = arena_copy(&series->arena, naming->key, strlen(naming->key), err);
    if (key == NULL || !interrupt_check(err) || !strmap_add(&series->by_key, key, series->series_count, &known, err))
        return false;
    if (known == STRMAP_NONE) {
        series->count[series->series_count] = 1;
        series->newest[series->series_count++] = index;
        return true;
    }
    Model *before = &list->items[series->newest[known]];
    series_split(before->name, naming->key, naming->other, sizeof naming->key);
    int order = strcmp(naming->when, naming->other);
    bool newer = order != 0 ? order > 0 : model->stamp.mtime_ns >= before->stamp.mtime_ns;
    (newer ? before : model)->inactive = true;
    series->newest[known] = newer ? index : series->newest[known];
    series->count[known]++;
    return true;
}

/* *again: a newest one is not whole, and the next one takes its place. */
static bool find_newest(Naming *naming, Series *series, bool *again, Err *err)
{
    ModelList *list = naming->list;
    bool ok = true;
    *again = false;
    series->series_count = 0;
    for (uint32_t i = 0; ok && i < list->count; i++) {
        list->items[i].inactive = false;
        ok = add_member(naming, series, i, err);
    }
    for (uint32_t i = 0; ok && i < series->series_count; i++) {
        uint32_t newest = series->newest[i];
        if (series->count[i] < 2 || is_whole(naming, &list->items[newest]))
            continue;
        series->is_out[newest] = *again = true;
    }
    strmap_free(&series->by_key);
    arena_free(&series->arena);
    return ok;
}

/* Of a model that was trained again and again under names with a time in them, readers want the newest. */
static bool find_series(Naming *naming, Err *err)
{
    size_t room = (size_t)naming->list->count + 1;
    Series series = {.newest = malloc(room * sizeof *series.newest), .count = malloc(room * sizeof *series.count),
                     .is_out = calloc(room, sizeof *series.is_out)};
    bool again = true, ok = (series.newest != NULL && series.count != NULL && series.is_out != NULL) || err_no_memory(err);
    for (unsigned i = 0; ok && again && i < PASSES_MAX; i++)
        ok = find_newest(naming, &series, &again, err);
    free(series.newest);
    free(series.count);
    free(series.is_out);
    return ok;
}

static bool note_unmatched(Naming *naming, Err *err)
{
    size_t next = 0;
    const NameMapRow *row;
    while (naming->tree->map != NULL && (row = name_map_unmatched(naming->tree->map, &next)) != NULL)
        if (!left_out_note(&naming->list->left_out, err, "the row for %s in the map matches no model", row->pattern))
            return false;
    return true;
}

bool naming_name(SourceTree *tree, Err *err)
{
    Naming *naming = malloc(sizeof *naming);
    bool ok = naming != NULL || err_no_memory(err);
    if (ok) {
        naming->tree = tree;
        naming->list = tree->models;
    }
    for (uint32_t i = 0; ok && i < tree->models->count; i++)
        ok = interrupt_check(err) && name_one(naming, &tree->models->items[i], err);
    ok = ok && part_folders(naming, err) && settle_twins(naming, err) && look_for_twins(naming, LOOK_ALIKE_CASE, err) &&
         look_for_twins(naming, LOOK_ALIKE_MARKS, err) && find_series(naming, err) && note_unmatched(naming, err);
    free(naming);
    return ok;
}
