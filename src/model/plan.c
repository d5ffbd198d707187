#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"
#include "base/vec.h"
#include "plan_parts.h"
#include "model/identify.h"

bool plan_add_model(Plan *plan, uint32_t index, Err *err)
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
        ok = list->items[i].state != MODEL_PENDING || plan_add_model(plan, i, err);
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

bool plan_add_stored(Plan *plan, const StoreVersion *stored, Err *err)
{
    uint32_t group = strmap_get(&plan->by_name, stored->name);
    if (!plan_note_source(plan, group, stored, err))
        return false;
    Content content = {.kind = !stored->has_format ? CONTENT_UNKNOWN : stored->is_tar ? CONTENT_DIRECTORY : CONTENT_FILE,
                       .digest = stored->content,
                       .members = stored->has_members ? &stored->members : NULL};
    uint32_t earlier = strmap_get(&plan->earlier_by_name, stored->name);
    return (group == STRMAP_NONE || group_add_version(&plan->groups[group], stored->version, &content, err)) &&
           (earlier == STRMAP_NONE || group_add_version(&plan->earlier[earlier], stored->version, &content, err));
}

void plan_note(Plan *plan, const char *name, PlanNote note)
{
    uint32_t group = strmap_get(&plan->by_name, name);
    if (group != STRMAP_NONE && note == PLAN_HIDDEN)
        plan->groups[group].is_hidden = 1;
    else if (group != STRMAP_NONE && note == PLAN_HELD)
        plan->groups[group].is_held = 1;
    else if (group != STRMAP_NONE)
        plan->groups[group].is_recorded = 1;
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
    if (model->explicit_version || model->inactive)
        return;
    model->may_return = group->is_recorded;
    if (version == highest)
        return;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].version == highest) /* another source of the tree is the newest */
            return;
    model->is_older = model->may_return = true;
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

bool plan_has_versions(const Plan *plan, uint32_t group)
{
    return plan->groups[group].count > 0;
}

bool plan_accept(Plan *plan, uint32_t group_index, Model *model, const Content *other, Err *err)
{
    Group *group = &plan->groups[group_index];
    if (has_it(group, model))
        return true;
    const Version *same = model->explicit_version ? group_version(group, model->version) : group_newest_with(group, other);
    return same == NULL || !is_same(other, same) || model_set_content(model, &other->digest, other->members, err);
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
    } else {
        if (group->count > 0)
            decide_change(plan, group, model);
        else
            model->state = MODEL_NEW, model->version = (int32_t)next_version(plan, group);
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
    model->is_held = group->is_held && model->state == MODEL_NEW;
    model->inactive = model->inactive || model->is_held;
}
