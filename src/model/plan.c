#include "model/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/strmap.h"

#define NO_MODEL UINT32_MAX

typedef struct Version {
    int32_t number;
    Digest content;
} Version;

/* All sources of one name, and what the store has under it. One version is the usual case and needs no memory of its own. */
typedef struct Group {
    uint32_t first; /* index of the first model; explicit versions come first, in rising order, then the one without */
    uint32_t count; /* of versions */
    union {
        Version one;   /* count <= 1 */
        Version *many; /* count > 1 */
    } versions;
} Group;

struct Plan {
    ModelList *list; /* borrowed */
    OnChange on_change;
    Group *groups;
    uint32_t group_count; /* room is for as many as there are models */
    StrMap by_name;
    uint32_t *work; /* groups with something to read */
    uint32_t work_count;
    uint64_t work_bytes;
};

static Version *versions_of(Group *group)
{
    return group->count > 1 ? group->versions.many : &group->versions.one;
}

/* The order inside a group: explicit versions rising, then VERSION_AUTO; equal keys by path, as the list has it. */
static bool comes_before(const Model *a, const Model *b)
{
    if (a->version == VERSION_AUTO || b->version == VERSION_AUTO)
        return a->version != VERSION_AUTO;
    return a->version < b->version;
}

static void link_model(Plan *plan, Group *group, uint32_t index)
{
    Model *items = plan->list->items;
    uint32_t *link = &group->first;
    while (*link != NO_MODEL && !comes_before(&items[index], &items[*link]))
        link = &items[*link].next;
    items[index].next = *link;
    *link = index;
}

static bool add_model(Plan *plan, uint32_t index, Err *err)
{
    uint32_t existing;
    if (!strmap_add(&plan->by_name, plan->list->items[index].name, plan->group_count, &existing, err))
        return false;
    if (existing == STRMAP_NONE)
        plan->groups[existing = plan->group_count++] = (Group){.first = NO_MODEL};
    link_model(plan, &plan->groups[existing], index);
    return true;
}

static void refuse_twin(Model *model, const Model *other)
{
    if (model->state == MODEL_CONFLICT)
        return;
    if (model->version == VERSION_AUTO)
        model_refuse(model, MODEL_CONFLICT, "%s: has the same name %s as %s; rename one, or name them apart with --map",
                     model->path, model->name, other->path);
    else
        model_refuse(model, MODEL_CONFLICT,
                     "%s: has the same name and version %s@%d as %s; rename one, or name them apart with --map", model->path,
                     model->name, (int)model->version, other->path);
}

/* Two sources with one key: neither can be preferred. */
static void refuse_twins(Plan *plan, const Group *group)
{
    Model *items = plan->list->items;
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next) {
        for (uint32_t k = items[i].next; k != NO_MODEL && items[k].version == items[i].version; k = items[k].next) {
            refuse_twin(&items[i], &items[k]);
            refuse_twin(&items[k], &items[i]);
        }
    }
}

bool plan_new(ModelList *list, OnChange on_change, Plan **out, Err *err)
{
    Plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        return err_no_memory(err);
    plan->list = list;
    plan->on_change = on_change;
    plan->groups = malloc(((size_t)list->count + 1) * sizeof *plan->groups);
    if (plan->groups == NULL) {
        plan_free(plan);
        return err_no_memory(err);
    }
    if (!strmap_reserve(&plan->by_name, list->count, err)) {
        plan_free(plan);
        return false;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].state == MODEL_PENDING && !add_model(plan, i, err)) {
            plan_free(plan);
            return false;
        }
    }
    for (uint32_t i = 0; i < plan->group_count; i++)
        refuse_twins(plan, &plan->groups[i]);
    *out = plan;
    return true;
}

void plan_free(Plan *plan)
{
    if (plan == NULL)
        return;
    for (uint32_t i = 0; i < plan->group_count; i++)
        if (plan->groups[i].count > 1)
            free(plan->groups[i].versions.many);
    free(plan->groups);
    free(plan->work);
    strmap_free(&plan->by_name);
    free(plan);
}

static const Version *find_version(Group *group, int32_t number)
{
    const Version *versions = versions_of(group);
    for (uint32_t i = 0; i < group->count; i++)
        if (versions[i].number == number)
            return &versions[i];
    return NULL;
}

/* The highest version with this content, so that an unversioned source keeps standing for the newest row that it equals. */
static const Version *find_content(Group *group, const Digest *content)
{
    const Version *versions = versions_of(group), *best = NULL;
    for (uint32_t i = 0; i < group->count; i++)
        if (digest_equal(&versions[i].content, content) && (best == NULL || versions[i].number > best->number))
            best = &versions[i];
    return best;
}

bool plan_note_version(Plan *plan, uint32_t group_index, int32_t version, const Digest *content, Err *err)
{
    Group *group = &plan->groups[group_index];
    Version added = {.number = version, .content = *content};
    if (find_version(group, version) != NULL)
        return true;
    if (group->count == 0) {
        group->versions.one = added;
    } else {
        /* Grow at 1, 2, 4, 8 …: the count alone tells the capacity. */
        Version *many = group->count > 1 ? group->versions.many : NULL;
        if ((group->count & (group->count - 1)) == 0) {
            many = realloc(many, (size_t)group->count * 2 * sizeof *many);
            if (many == NULL)
                return err_no_memory(err);
        }
        if (group->count == 1)
            many[0] = group->versions.one;
        many[group->count] = added;
        group->versions.many = many;
    }
    group->count++;
    return true;
}

void plan_forget_versions(Plan *plan, uint32_t group_index)
{
    Group *group = &plan->groups[group_index];
    if (group->count > 1)
        free(group->versions.many);
    group->count = 0;
}

bool plan_add_stored(Plan *plan, const StoreVersion *stored, Err *err)
{
    uint32_t group = strmap_get(&plan->by_name, stored->name);
    return group == STRMAP_NONE || plan_note_version(plan, group, stored->version, &stored->content, err);
}

static int32_t highest_stored(Group *group)
{
    const Version *versions = versions_of(group);
    int32_t highest = 0;
    for (uint32_t i = 0; i < group->count; i++)
        highest = versions[i].number > highest ? versions[i].number : highest;
    return highest;
}

/* The next version is over all that are stored and all that other sources of this tree claim. */
static int64_t next_version(const Plan *plan, Group *group)
{
    const Model *items = plan->list->items;
    int64_t highest = highest_stored(group);
    for (uint32_t i = group->first; i != NO_MODEL; i = items[i].next)
        if (items[i].explicit_version && items[i].version > highest)
            highest = items[i].version;
    return highest + 1;
}

static void set_unchanged(const Plan *plan, Group *group, Model *model, int32_t version)
{
    const Model *items = plan->list->items;
    int32_t highest = highest_stored(group);
    model->state = MODEL_UNCHANGED;
    model->version = version;
    if (model->explicit_version || version == highest)
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

/* The journal is believed only where it agrees with the store, and only for "unchanged". */
static void settle_model(const Plan *plan, Group *group, Model *model)
{
    if (model->state != MODEL_PENDING || !model->has_content)
        return;
    const Version *same = model->explicit_version ? find_version(group, model->version) : find_content(group, &model->content);
    if (same != NULL && digest_equal(&same->content, &model->content)) {
        set_unchanged(plan, group, model, same->number);
    } else {
        model->has_content = false;
    }
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
    const Version *stored = find_version(group, model->version);
    if (stored == NULL)
        model->state = MODEL_NEW;
    else if (digest_equal(&stored->content, &model->content))
        model->state = MODEL_UNCHANGED;
    else
        refuse_other_content(model, stored->number);
}

static void decide_change(Plan *plan, Group *group, Model *model)
{
    if (plan->on_change == CHANGE_SKIP) {
        model_refuse(model, MODEL_SKIPPED, "%s: its content changed and --on-change is skip", model->path);
        return;
    }
    if (plan->on_change == CHANGE_FAIL) {
        model_refuse(model, MODEL_CONFLICT, "%s: its content changed and --on-change is fail", model->path);
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

void plan_decide(Plan *plan, uint32_t group_index, Model *model)
{
    Group *group = &plan->groups[group_index];
    if (model->explicit_version) {
        decide_explicit(group, model);
        return;
    }
    const Version *same = find_content(group, &model->content);
    if (same != NULL) {
        set_unchanged(plan, group, model, same->number);
    } else if (group->count > 0) {
        decide_change(plan, group, model);
    } else {
        model->state = MODEL_NEW;
        model->version = (int32_t)next_version(plan, group);
    }
}
