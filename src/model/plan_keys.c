/* plan_keys.c: a source that is stored goes by the key under which the store has it. */
#include <stdlib.h>
#include <string.h>

#include "model/identify.h"
#include "plan_parts.h"

bool plan_note_source(Plan *plan, uint32_t group, const StoreVersion *stored, Err *err)
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

/* A source that gets another key. All are taken out of their groups at once, and each group is put in order once: many of them
 * may be of one name. */
typedef struct Move {
    uint32_t model;
    int32_t version;
    const char *name; /* in the list's arena */
} Move;

typedef VEC(Move) Moves;

static bool note_move(const Plan *plan, Moves *moves, const Move *move, Err *err)
{
    const Model *model = &plan->list->items[move->model];
    if (model->state != MODEL_PENDING || (strcmp(model->name, move->name) == 0 && model->version == move->version))
        return true;
    Move *added = vec_push(moves, err);
    if (added != NULL)
        *added = *move;
    return added != NULL;
}

static void leave_groups(Plan *plan, const Moves *moves, const bool *is_moving)
{
    Model *items = plan->list->items;
    for (size_t i = 0; i < moves->count; i++) {
        Group *group = &plan->groups[strmap_get(&plan->by_name, items[moves->items[i].model].name)];
        if (group->is_left)
            continue;
        for (uint32_t *link = &group->first; *link != NO_MODEL;) {
            if (is_moving[*link])
                *link = items[*link].next;
            else
                link = &items[*link].next;
        }
        group->is_left = 1;
    }
}

static bool enter_groups(Plan *plan, const Moves *moves, PlanGroupFn fn, void *ctx, Err *err)
{
    Model *items = plan->list->items;
    for (size_t i = 0; i < moves->count; i++) {
        const Move *move = &moves->items[i];
        Model *model = &items[move->model];
        plan->groups[strmap_get(&plan->by_name, model->name)].is_left = 0;
        model->name = move->name;
        model->version = move->version;
        model->explicit_version = move->version != VERSION_AUTO;
        if (!plan_add_model(plan, move->model, err))
            return false;
        uint32_t group = strmap_get(&plan->by_name, move->name);
        plan->groups[group].is_entered = 1;
        if (!fn(ctx, group, err))
            return false;
    }
    for (size_t i = 0; i < moves->count; i++) {
        Group *group = &plan->groups[strmap_get(&plan->by_name, moves->items[i].name)];
        if (!group->is_entered)
            continue;
        group->is_entered = 0;
        group_sort_models(group, items);
        group_refuse_twins(group, items);
    }
    return true;
}

static bool move_all(Plan *plan, const Moves *moves, PlanGroupFn fn, void *ctx, Err *err)
{
    bool *is_moving = calloc((size_t)plan->list->count + 1, sizeof *is_moving);
    if (is_moving == NULL ||
        !vec_grow(&plan->groups, &plan->group_cap, plan->group_count, moves->count, sizeof *plan->groups, err)) {
        free(is_moving);
        return err_no_memory(err);
    }
    for (size_t i = 0; i < moves->count; i++)
        is_moving[moves->items[i].model] = true;
    leave_groups(plan, moves, is_moving);
    free(is_moving);
    return enter_groups(plan, moves, fn, ctx, err);
}

static int by_model(const void *key, const void *stored)
{
    uint32_t model = *(const uint32_t *)key, other = ((const StoredKey *)stored)->model;
    return (model > other) - (model < other);
}

static bool has_stored_key(const Plan *plan, uint32_t model)
{
    const StoredKeys *keys = &plan->stored_keys;
    return keys->count > 0 && bsearch(&model, keys->items, keys->count, sizeof *keys->items, by_model) != NULL;
}

/* Where the name is that of a file without a version, folders are no versions of it, but for those that are stored as such. */
static bool part_from_plain(Plan *plan, uint32_t group, Moves *moves, Err *err)
{
    const Model *items = plan->list->items;
    Identity earlier;
    for (uint32_t i = plan->groups[group].first; i != NO_MODEL; i = items[i].next) {
        bool may = items[i].state == MODEL_PENDING && items[i].explicit_version && items[i].has_earlier && !has_stored_key(plan, i);
        if (!may || !identify_earlier(&items[i], plan->map, &earlier) || earlier.version != VERSION_AUTO)
            continue;
        Move move = {.model = i, .name = arena_copy(&plan->list->arena, earlier.name, strlen(earlier.name), err),
                     .version = VERSION_AUTO};
        if (move.name == NULL || !note_move(plan, moves, &move, err))
            return false;
    }
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool move_from_plain(Plan *plan, PlanGroupFn fn, void *ctx, Err *err)
{
    Moves moves = {0};
    bool ok = true;
    if (plan->plain.count == 0)
        return true;
    qsort(plan->plain.items, plan->plain.count, sizeof *plan->plain.items, by_number);
    for (size_t i = 0; ok && i < plan->plain.count; i++)
        if (i == 0 || plan->plain.items[i] != plan->plain.items[i - 1])
            ok = part_from_plain(plan, plan->plain.items[i], &moves, err);
    ok = ok && move_all(plan, &moves, fn, ctx, err);
    free(moves.items);
    return ok;
}

static bool move_to_stored(Plan *plan, PlanGroupFn fn, void *ctx, Err *err)
{
    Moves moves = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < plan->stored_keys.count; i++) {
        const StoredKey *key = &plan->stored_keys.items[i];
        ok = note_move(plan, &moves, &(Move){.model = key->model, .name = key->name, .version = key->version}, err);
    }
    ok = ok && (moves.count == 0 || move_all(plan, &moves, fn, ctx, err));
    free(moves.items);
    return ok;
}

bool plan_use_stored_keys(Plan *plan, PlanGroupFn fn, void *ctx, Err *err)
{
    if (plan->keys_used)
        return true;
    stored_keys_resolve(&plan->stored_keys);
    plan->keys_used = move_to_stored(plan, fn, ctx, err) && move_from_plain(plan, fn, ctx, err);
    return plan->keys_used;
}
