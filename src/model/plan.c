#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "base/vec.h"
#include "group.h"
#include "model/identify.h"
#include "model/stored_key.h"

struct Plan {
    ModelList *list; /* borrowed */
    OnChange on_change;
    Group *groups;
    uint32_t group_count;
    size_t group_cap; /* as many as there are models, and those that go by another name */
    StrMap by_name;
    const NameMap *map;      /* borrowed; NULL = none */
    Group *earlier;          /* what the store has under keys that an earlier version of this program gave: rows only */
    const char **earlier_names; /* of them */
    uint32_t earlier_count;
    StrMap earlier_by_name;
    bool keys_used;          /* each source has its key: what comes later changes none, and workers share the plan */
    StoredKeys stored_keys;  /* of rows whose names and sources are not as usual */
    VEC(uint32_t) plain;     /* groups whose folders are versions, and whose name the store has from a file without one */
    uint32_t *work; /* groups with something to read */
    uint32_t work_count;
    uint64_t work_bytes;
};

static bool add_model(Plan *plan, uint32_t index, Err *err)
{
    uint32_t existing;
    if (!strmap_add(&plan->by_name, plan->list->items[index].name, plan->group_count, &existing, err))
        return false;
    if (existing == STRMAP_NONE)
        plan->groups[existing = plan->group_count++] = (Group){.first = NO_MODEL};
    group_add_model(&plan->groups[existing], plan->list->items, index);
    return true;
}

/* The group of the key that the model had in an earlier version; its key is in *identity. NULL: none. */
static Group *earlier_group(const Plan *plan, const Model *model, Identity *identity)
{
    uint32_t group = STRMAP_NONE;
    if (model->has_earlier && identify_earlier(model, plan->map, identity))
        group = strmap_get(&plan->earlier_by_name, identity->name);
    return group != STRMAP_NONE ? &plan->earlier[group] : NULL;
}

static bool add_earlier(Plan *plan, const Model *model, Err *err)
{
    Identity identity;
    uint32_t existing;
    if (!model->has_earlier || !identify_earlier(model, plan->map, &identity))
        return true;
    const char *name = arena_copy(&plan->list->arena, identity.name, strlen(identity.name), err);
    if (name == NULL || !strmap_add(&plan->earlier_by_name, name, plan->earlier_count, &existing, err))
        return false;
    if (existing == STRMAP_NONE) {
        plan->earlier_names[plan->earlier_count] = name;
        plan->earlier[plan->earlier_count++] = (Group){.first = NO_MODEL};
    }
    return true;
}

static bool add_earlier_groups(Plan *plan, Err *err)
{
    size_t count = 0;
    for (uint32_t i = 0; i < plan->list->count; i++)
        count += plan->list->items[i].has_earlier;
    plan->earlier = calloc(count + 1, sizeof *plan->earlier);
    plan->earlier_names = calloc(count + 1, sizeof *plan->earlier_names);
    if (plan->earlier == NULL || plan->earlier_names == NULL)
        return err_no_memory(err);
    for (uint32_t i = 0; count > 0 && i < plan->list->count; i++)
        if (!add_earlier(plan, &plan->list->items[i], err))
            return false;
    return true;
}

bool plan_new(ModelList *list, const NameMap *map, OnChange on_change, Plan **out, Err *err)
{
    Plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return err_no_memory(err);
    plan->list = list;
    plan->map = map;
    plan->on_change = on_change;
    plan->group_cap = (size_t)list->count + 1;
    plan->groups = malloc(plan->group_cap * sizeof *plan->groups);
    bool ok = (plan->groups != NULL || err_no_memory(err)) && strmap_reserve(&plan->by_name, list->count, err) &&
              add_earlier_groups(plan, err);
    for (uint32_t i = 0; ok && i < list->count; i++)
        ok = list->items[i].state != MODEL_PENDING || add_model(plan, i, err);
    if (!ok) {
        plan_free(plan);
        return false;
    }
    for (uint32_t i = 0; i < plan->group_count; i++) {
        group_sort_models(&plan->groups[i], list->items);
        group_refuse_twins(&plan->groups[i], list->items);
    }
    *out = plan;
    return true;
}

void plan_free(Plan *plan)
{
    if (plan == NULL)
        return;
    for (uint32_t i = 0; i < plan->group_count; i++)
        group_forget_versions(&plan->groups[i]);
    for (uint32_t i = 0; i < plan->earlier_count; i++)
        group_forget_versions(&plan->earlier[i]);
    free(plan->earlier);
    free(plan->earlier_names);
    strmap_free(&plan->earlier_by_name);
    stored_keys_free(&plan->stored_keys);
    free(plan->plain.items);
    free(plan->groups);
    free(plan->work);
    strmap_free(&plan->by_name);
    free(plan);
}

bool plan_note_version(Plan *plan, uint32_t group, int32_t version, const Content *content, Err *err)
{
    return group_note_version(&plan->groups[group], version, content, err);
}

void plan_forget_versions(Plan *plan, uint32_t group)
{
    group_forget_versions(&plan->groups[group]);
}

uint32_t plan_group(const Plan *plan, const char *name)
{
    return strmap_get(&plan->by_name, name); /* STRMAP_NONE is PLAN_NO_GROUP */
}

static bool note_source(Plan *plan, uint32_t group, const StoreVersion *stored, Err *err)
{
    uint32_t index = group != STRMAP_NONE ? plan->groups[group].first : NO_MODEL;
    const Model *first = index != NO_MODEL ? &plan->list->items[index] : NULL;
    if (plan->keys_used || (first != NULL && stored_key_is_usual(first, stored->name, stored->source_path)))
        return true;
    if (first != NULL && first->has_earlier && first->explicit_version && stored_key_is_plain(stored->name, stored->source_path)) {
        uint32_t *added = vec_push(&plan->plain, err);
        if (added == NULL)
            return false;
        *added = group;
    }
    return stored_keys_add(&plan->stored_keys, plan->list, plan->map, stored->name, stored->version, stored->source_path, err);
}

bool plan_add_stored(Plan *plan, const StoreVersion *stored, Err *err)
{
    uint32_t group = strmap_get(&plan->by_name, stored->name);
    if (!note_source(plan, group, stored, err))
        return false;
    Content content = {.kind = !stored->has_format ? CONTENT_UNKNOWN : stored->is_tar ? CONTENT_DIRECTORY : CONTENT_FILE,
                       .digest = stored->content,
                       .members = stored->has_members ? &stored->members : NULL};
    uint32_t earlier = strmap_get(&plan->earlier_by_name, stored->name);
    return (group == STRMAP_NONE || group_add_version(&plan->groups[group], stored->version, &content, err)) &&
           (earlier == STRMAP_NONE || group_add_version(&plan->earlier[earlier], stored->version, &content, err));
}

static void leave_group(Plan *plan, uint32_t index)
{
    Model *items = plan->list->items;
    uint32_t *link = &plan->groups[strmap_get(&plan->by_name, items[index].name)].first;
    while (*link != index)
        link = &items[*link].next;
    *link = items[index].next;
}

/* name: in the list's arena. */
static bool move_model(Plan *plan, uint32_t index, const char *name, int32_t version, PlanGroupFn fn, void *ctx, Err *err)
{
    Model *model = &plan->list->items[index];
    if (strcmp(model->name, name) == 0 && model->version == version)
        return true;
    leave_group(plan, index);
    model->name = name;
    model->version = version;
    model->explicit_version = version != VERSION_AUTO;
    if (!add_model(plan, index, err))
        return false;
    uint32_t group = strmap_get(&plan->by_name, name);
    group_sort_models(&plan->groups[group], plan->list->items);
    group_refuse_twins(&plan->groups[group], plan->list->items);
    return fn(ctx, group, err);
}

/* Where the name is that of a file without a version, folders are no versions of it, but for those that are stored as such. */
static bool part_from_plain(Plan *plan, uint32_t group, PlanGroupFn fn, void *ctx, Err *err)
{
    const Model *items = plan->list->items;
    Identity earlier;
    for (uint32_t i = plan->groups[group].first, next; i != NO_MODEL; i = next) {
        next = items[i].next;
        bool is_stored = false;
        for (size_t k = 0; k < plan->stored_keys.count && !is_stored; k++)
            is_stored = plan->stored_keys.items[k].model == i;
        bool may = !is_stored && items[i].state == MODEL_PENDING && items[i].explicit_version && items[i].has_earlier;
        if (!may || !identify_earlier(&items[i], plan->map, &earlier) || earlier.version != VERSION_AUTO)
            continue;
        const char *name = arena_copy(&plan->list->arena, earlier.name, strlen(earlier.name), err);
        if (name == NULL || !move_model(plan, i, name, earlier.version, fn, ctx, err))
            return false;
    }
    return true;
}

bool plan_use_stored_keys(Plan *plan, PlanGroupFn fn, void *ctx, Err *err)
{
    if (plan->keys_used)
        return true;
    stored_keys_resolve(&plan->stored_keys);
    size_t more = plan->plain.count > 0 ? plan->list->count : plan->stored_keys.count;
    bool ok = vec_grow(&plan->groups, &plan->group_cap, plan->group_count, more, sizeof *plan->groups, err);
    for (size_t i = 0; ok && i < plan->stored_keys.count; i++) {
        const StoredKey *key = &plan->stored_keys.items[i];
        if (plan->list->items[key->model].state == MODEL_PENDING)
            ok = move_model(plan, key->model, key->name, key->version, fn, ctx, err);
    }
    for (size_t i = 0; ok && i < plan->plain.count; i++)
        ok = part_from_plain(plan, plan->plain.items[i], fn, ctx, err);
    plan->keys_used = plan->keys_used || ok;
    return ok;
}

void plan_note_hidden(Plan *plan, const char *name)
{
    uint32_t group = strmap_get(&plan->by_name, name);
    if (group != STRMAP_NONE)
        plan->groups[group].is_hidden = 1;
}

/* The next version is over all that are stored and all that other sources of this tree claim. */
static int64_t next_version(const Plan *plan, Group *group)
{
    const Model *items = plan->list->items;
    int64_t highest = group_highest(group);
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].explicit_version && items[i].version > highest)
            highest = items[i].version;
    return highest + 1;
}

static void set_unchanged(const Plan *plan, Group *group, Model *model, int32_t version)
{
    const Model *items = plan->list->items;
    int32_t highest = group_highest(group);
    model->state = MODEL_UNCHANGED;
    model->version = version;
    if (model->explicit_version || version == highest || model->inactive)
        return;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].version == highest) /* another source of the tree is the newest */
            return;
    /* The file went back to an older content. Nothing is to be stored, but readers of the newest version do not get it. */
    model_refuse(model, MODEL_UNCHANGED,
                 "%s: has the content of %s@%d, and the store has a newer %s@%d; to store this content as the newest, end the name "
                 "in _v%lld",
                 model->path, model->name, (int)version, model->name, (int)highest, (long long)next_version(plan, group));
}

static void refuse_other_kind(Model *model, const Version *stored)
{
    Content source = model_content(model);
    model_refuse(model, MODEL_CONFLICT, "%s: is a %s, and %s@%d is stored as a %s; a name keeps its kind: rename this one",
                 model->path, content_kind_name(source.kind), model->name, (int)stored->number,
                 content_kind_name((ContentKind)stored->kind));
}

static bool is_same(const Content *source, const Version *stored)
{
    Content content = group_content(stored);
    return content_equal(source, &content);
}

/* The content is stored under the key that the source had in an earlier version: it goes on under that one. */
static bool continue_earlier(const Plan *plan, Model *model)
{
    Identity identity;
    Group *group = model->has_earlier ? earlier_group(plan, model, &identity) : NULL;
    if (group == NULL)
        return false;
    Content content = model_content(model);
    bool is_explicit = identity.version != VERSION_AUTO;
    const Version *same = is_explicit ? group_version(group, identity.version) : group_newest_with(group, &content);
    if (same == NULL || !is_same(&content, same))
        return false;
    model->name = plan->earlier_names[group - plan->earlier];
    model->version = same->number;
    model->explicit_version = is_explicit;
    model->state = MODEL_UNCHANGED;
    return true;
}

/* What the journal says of a source is believed only where the store agrees, and only for "unchanged"; all that the store compares
 * must be in it. */
static void settle_model(const Plan *plan, Group *group, Model *model)
{
    if (model->state != MODEL_PENDING || !model->has_content)
        return;
    Content content = model_content(model);
    const Version *same = model->explicit_version ? group_version(group, model->version) : group_newest_with(group, &content);
    if (same != NULL && is_same(&content, same) && (same->members == NULL || content.members != NULL))
        set_unchanged(plan, group, model, same->number);
    else if (!continue_earlier(plan, model))
        model_forget_content(model);
}

static uint64_t pending_bytes(const Plan *plan, const Group *group)
{
    const Model *items = plan->list->items;
    uint64_t bytes = 0;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].state == MODEL_PENDING)
            bytes += items[i].stamp.size;
    return bytes;
}

typedef struct WorkItem {
    uint64_t bytes;
    uint32_t group;
} WorkItem;

static int larger_first(const void *a, const void *b)
{
    const WorkItem *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->group < y->group ? -1 : 1;
}

static bool has_pending(const Plan *plan, const Group *group)
{
    const Model *items = plan->list->items;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].state == MODEL_PENDING)
            return true;
    return false;
}

bool plan_settle(Plan *plan, Err *err)
{
    Model *items = plan->list->items;
    WorkItem *sorted = malloc((plan->group_count + 1) * sizeof *sorted);
    plan->work = malloc((plan->group_count + 1) * sizeof *plan->work);
    if (sorted == NULL || plan->work == NULL) {
        free(sorted);
        return err_no_memory(err);
    }
    for (uint32_t i = 0; i < plan->earlier_count; i++)
        group_highest(&plan->earlier[i]); /* sorts: from now on several workers read them */
    for (uint32_t g = 0; g < plan->group_count; g++) {
        Group *group = &plan->groups[g];
        for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
            settle_model(plan, group, &items[i]);
        if (!has_pending(plan, group))
            continue;
        sorted[plan->work_count] = (WorkItem){.bytes = pending_bytes(plan, group), .group = g};
        plan->work_bytes += sorted[plan->work_count++].bytes;
    }
    qsort(sorted, plan->work_count, sizeof *sorted, larger_first);
    for (uint32_t i = 0; i < plan->work_count; i++)
        plan->work[i] = sorted[i].group;
    free(sorted);
    return true;
}

uint32_t plan_work_count(const Plan *plan)
{
    return plan->work_count;
}

uint32_t plan_work_group(const Plan *plan, uint32_t i)
{
    return plan->work[i];
}

uint64_t plan_work_bytes(const Plan *plan)
{
    return plan->work_bytes;
}

uint32_t plan_first(const Plan *plan, uint32_t group)
{
    return plan->groups[group].first;
}

static void refuse_other_content(Model *model, int32_t version)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(&model->content, hex);
    model_refuse(model, MODEL_CONFLICT,
                 "%s: %s@%d is stored with other content (this file has sha256 %.12s…); nothing was changed; give the file another "
                 "version",
                 model->path, model->name, (int)version, hex);
}

static void decide_explicit(Group *group, Model *model)
{
    Content source = model_content(model);
    const Version *stored = group_version(group, model->version);
    const Version *other = stored != NULL ? stored : group_newest_of_other_kind(group, source.kind);
    if (stored != NULL && is_same(&source, stored))
        model->state = MODEL_UNCHANGED;
    else if (other != NULL && content_kinds_differ((ContentKind)other->kind, source.kind))
        refuse_other_kind(model, other);
    else if (stored != NULL)
        refuse_other_content(model, stored->number);
    else
        model->state = MODEL_NEW;
}

static void decide_change(Plan *plan, Group *group, Model *model)
{
    if (plan->on_change == CHANGE_SKIP) {
        model_refuse(model, MODEL_SKIPPED, "%s: its content changed; changed sources are to be skipped", model->path);
        return;
    }
    if (plan->on_change == CHANGE_FAIL) {
        model_refuse(model, MODEL_CONFLICT, "%s: its content changed; changed sources are to be refused", model->path);
        return;
    }
    int64_t next = next_version(plan, group);
    if (next > INT32_MAX) {
        model_refuse(model, MODEL_FAILED, "%s: no version is left after %d", model->path, INT32_MAX);
        return;
    }
    model->state = MODEL_NEW;
    model->version = (int32_t)next;
}

static void refuse_hidden(Model *model)
{
    model_refuse(model, MODEL_FAILED,
                 "%s: readers of %s get a row of another program, whose version is no number from 0 to %d, and would not get "
                 "this one; mend or deactivate that row, or give this source a version",
                 model->path, model->name, INT32_MAX);
}

/* Is it stored under its key of today? */
static bool has_it(Group *group, const Model *model)
{
    Content content = model_content(model);
    const Version *same = model->explicit_version ? group_version(group, model->version) : group_newest_with(group, &content);
    return same != NULL && is_same(&content, same);
}

/* A source without a version beside others of its name that have one (last.ckpt, last-v1.ckpt) is the newest to readers only when
 * it is the youngest. */
static void judge_age(const Plan *plan, const Group *group, Model *model)
{
    const Model *items = plan->list->items;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].explicit_version && items[i].stamp.mtime_ns > model->stamp.mtime_ns)
            model->inactive = true;
}

static void decide_next(Plan *plan, Group *group, Model *model)
{
    Content content = model_content(model);
    const Version *same = group_newest_with(group, &content), *other = group_newest_of_other_kind(group, content.kind);
    if (same != NULL) {
        set_unchanged(plan, group, model, same->number);
    } else if (other != NULL) {
        refuse_other_kind(model, other);
    } else if (group->count > 0) {
        decide_change(plan, group, model);
        judge_age(plan, group, model);
    } else {
        model->state = MODEL_NEW;
        model->version = (int32_t)next_version(plan, group);
        judge_age(plan, group, model);
    }
}

void plan_decide(Plan *plan, uint32_t group_index, Model *model)
{
    Group *group = &plan->groups[group_index];
    if (model->has_earlier && !has_it(group, model) && continue_earlier(plan, model))
        return;
    if (model->explicit_version)
        decide_explicit(group, model);
    else
        decide_next(plan, group, model);
    if (group->is_hidden && model->state == MODEL_NEW && !model->explicit_version)
        refuse_hidden(model);
}
