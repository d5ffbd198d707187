#include "group.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define COUNT_MAX ((1u << 24) - 1)

/* --- models ------------------------------------------------------------------------------------------------------------------ */

void group_add_model(Group *group, Model *items, uint32_t index)
{
    items[index].next = group->first;
    group->first = index;
}

static bool comes_before(const Model *a, const Model *b)
{
    /* Several sources of one name that the map gives are its versions, in the order of their times. */
    if (a->version == VERSION_AUTO && b->version == VERSION_AUTO && a->named_by_map && b->named_by_map &&
        a->stamp.mtime_ns != b->stamp.mtime_ns)
        return a->stamp.mtime_ns < b->stamp.mtime_ns;
    if (a->version == b->version)
        return a < b;
    if (a->version == VERSION_AUTO || b->version == VERSION_AUTO)
        return b->version == VERSION_AUTO;
    return a->version < b->version;
}

static uint32_t merge(Model *items, uint32_t a, uint32_t b)
{
    uint32_t first = NO_MODEL, *link = &first;
    while (a != NO_MODEL && b != NO_MODEL) {
        uint32_t *least = comes_before(&items[a], &items[b]) ? &a : &b;
        *link = *least;
        link = &items[*least].next;
        *least = *link;
    }
    *link = a != NO_MODEL ? a : b;
    return first;
}

/* Merges runs of 1, 2, 4 … models, which wait in `runs` by the power of their length. */
void group_sort_models(Group *group, Model *items)
{
    uint32_t runs[32], rest = group->first;
    for (size_t i = 0; i < 32; i++)
        runs[i] = NO_MODEL;
    while (rest != NO_MODEL) {
        uint32_t run = rest;
        size_t power = 0;
        rest = items[run].next;
        items[run].next = NO_MODEL;
        for (; power < 31 && runs[power] != NO_MODEL; power++) {
            run = merge(items, runs[power], run);
            runs[power] = NO_MODEL;
        }
        runs[power] = power == 31 ? merge(items, runs[power], run) : run;
    }
    for (size_t i = 0; i < 32; i++)
        rest = merge(items, runs[i], rest);
    group->first = rest;
}

static void refuse_twin(Model *model, const Model *other)
{
    if (model->version == VERSION_AUTO)
        model_refuse(model, MODEL_CONFLICT, "%s: has the same name %s as %s; rename one, or name them apart in a map",
                     model->path, model->name, other->path);
    else
        model_refuse(model, MODEL_CONFLICT,
                     "%s: has the same name and version %s@%d as %s; rename one, or name them apart in a map", model->path,
                     model->name, (int)model->version, other->path);
}

/* The newest is the last one; the others are stored, but readers do not get them. */
static bool is_series_by_map(const Group *group, Model *items)
{
    uint32_t count = 0, last = NO_MODEL;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next) {
        if (items[i].version != VERSION_AUTO)
            continue;
        if (!items[i].named_by_map)
            return false;
        if (last != NO_MODEL)
            items[last].inactive = true;
        last = i;
        count++;
    }
    return count > 1;
}

void group_refuse_twins(const Group *group, Model *items)
{
    bool is_series = is_series_by_map(group, items);
    for (uint32_t first = group->first, last; first != NO_MODEL; first = items[last].next) {
        last = first;
        if (is_series && items[first].version == VERSION_AUTO)
            continue;
        for (uint32_t i = items[first].next; i != NO_MODEL && items[i].version == items[first].version; i = items[i].next) {
            refuse_twin(&items[i], &items[first]);
            last = i;
        }
        if (last != first)
            refuse_twin(&items[first], &items[items[first].next]);
    }
}

/* --- versions ---------------------------------------------------------------------------------------------------------------- */

static Version *versions_of(Group *group)
{
    return group->count > 1 ? group->versions.many.items : &group->versions.one;
}

static int by_number(const void *a, const void *b)
{
    const Version *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static void sort_versions(Group *group)
{
    Version *versions = versions_of(group);
    uint32_t kept = 0;
    if (!group->unsorted)
        return;
    qsort(versions, group->count, sizeof *versions, by_number);
    for (uint32_t i = 1; i < group->count; i++) {
        if (versions[i].number == versions[kept].number)
            free(versions[i].members);
        else
            versions[++kept] = versions[i];
    }
    group->unsorted = 0;
    group->count = (kept + 1) & COUNT_MAX;
    if (group->count == 1) {
        Version one = versions[0];
        free(versions);
        group->versions.one = one;
    }
}

/* The index of the first version that is not below `number`. The list is sorted. */
static uint32_t lower_bound(Group *group, int32_t number)
{
    const Version *versions = versions_of(group);
    uint32_t low = 0, high = group->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (versions[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool append(Group *group, const Version *added, Err *err)
{
    if (group->count == COUNT_MAX)
        return err_no_memory(err);
    if (group->count == 0) {
        group->versions.one = *added;
    } else if (group->count == 1) {
        Version *items = NULL;
        size_t cap = 0;
        if (!vec_grow(&items, &cap, 0, 2, sizeof *items, err))
            return false;
        items[0] = group->versions.one;
        items[1] = *added;
        group->versions.many.items = items;
        group->versions.many.cap = cap;
    } else {
        if (!vec_grow(&group->versions.many.items, &group->versions.many.cap, group->count, 1, sizeof *added, err))
            return false;
        group->versions.many.items[group->count] = *added;
    }
    group->count = (group->count + 1) & COUNT_MAX;
    return true;
}

bool group_add_version(Group *group, int32_t number, const Content *content, Err *err)
{
    Version added = {.digest = content->digest, .number = number, .kind = (uint8_t)content->kind};
    bool rises = group->count == 0 || (!group->unsorted && versions_of(group)[group->count - 1].number < number);
    if (content->members != NULL) {
        added.members = malloc(sizeof *added.members);
        if (added.members == NULL)
            return err_no_memory(err);
        *added.members = *content->members;
    }
    if (!append(group, &added, err)) {
        free(added.members);
        return false;
    }
    group->unsorted = !rises;
    group->has_file |= content->kind == CONTENT_FILE;
    group->has_directory |= content->kind == CONTENT_DIRECTORY;
    return true;
}

bool group_note_version(Group *group, int32_t number, const Content *content, Err *err)
{
    if (group_version(group, number) != NULL)
        return true;
    uint32_t at = lower_bound(group, number);
    if (!group_add_version(group, number, content, err))
        return false;
    Version *versions = versions_of(group), added = versions[group->count - 1];
    memmove(&versions[at + 1], &versions[at], (group->count - 1 - at) * sizeof *versions);
    versions[at] = added;
    group->unsorted = 0;
    return true;
}

void group_forget_versions(Group *group)
{
    Version *versions = versions_of(group);
    for (uint32_t i = 0; i < group->count; i++)
        free(versions[i].members);
    if (group->count > 1)
        free(versions);
    *group = (Group){.first = group->first,
                     .is_hidden = group->is_hidden,
                     .is_held = group->is_held,
                     .is_recorded = group->is_recorded};
}

const Version *group_version(Group *group, int32_t number)
{
    sort_versions(group);
    uint32_t at = lower_bound(group, number);
    return at < group->count && versions_of(group)[at].number == number ? &versions_of(group)[at] : NULL;
}

const Version *group_newest_with(Group *group, const Content *content)
{
    sort_versions(group);
    const Version *versions = versions_of(group);
    for (uint32_t i = group->count; i > 0; i--) {
        Content stored = group_content(&versions[i - 1]);
        if (content_equal(&stored, content))
            return &versions[i - 1];
    }
    return NULL;
}

const Version *group_newest_of_other_kind(Group *group, ContentKind kind)
{
    if (kind == CONTENT_FILE ? !group->has_directory : !group->has_file)
        return NULL;
    sort_versions(group);
    const Version *versions = versions_of(group);
    for (uint32_t i = group->count; i > 0; i--)
        if (content_kinds_differ((ContentKind)versions[i - 1].kind, kind))
            return &versions[i - 1];
    return NULL;
}

int32_t group_highest(Group *group)
{
    sort_versions(group);
    return group->count > 0 && versions_of(group)[group->count - 1].number > 0 ? versions_of(group)[group->count - 1].number : 0;
}

Content group_content(const Version *version)
{
    return (Content){.kind = (ContentKind)version->kind, .digest = version->digest, .members = version->members};
}
