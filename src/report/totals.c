#include "totals.h"

#include <stdlib.h>
#include <string.h>

Kind inventory_kind(const Inventory *inventory, const InventoryItem *item)
{
    if (item->is_damaged)
        return KIND_DAMAGED;
    if (item->is_older)
        return KIND_OLDER;
    switch (item->letter) {
    case '=': return !inventory->is_cleanup ? KIND_SAME : item->can_go ? KIND_CAN_GO : KIND_STAYS;
    case '+': return KIND_ONLY_DISK;
    case '-': return KIND_ONLY_STORE;
    case '*': return KIND_DIFFERS;
    default: return KIND_UNCHECKED;
    }
}

const char *inventory_state(const Inventory *inventory, const InventoryItem *item)
{
    static const char *const states[KIND_COUNT] = {
        [KIND_DAMAGED] = "damaged",        [KIND_DIFFERS] = "differs", [KIND_UNCHECKED] = "unchecked",
        [KIND_ONLY_DISK] = "only-on-disk", [KIND_STAYS] = "must-stay", [KIND_ONLY_STORE] = "only-stored",
        [KIND_CAN_GO] = "can-go",          [KIND_SAME] = "same",       [KIND_OLDER] = "earlier-version",
    };
    return states[inventory_kind(inventory, item)];
}

const char *item_type(const InventoryItem *item)
{
    return item->row != NULL && item->row->model_type[0] != '\0' ? item->row->model_type : NULL;
}

bool item_same_row(const InventoryItem *a, const InventoryItem *b)
{
    return a->version == b->version && strcmp(a->name, b->name) == 0;
}

/* --- orders: each ends with the order of the items themselves, so that qsort has no choice ----------------------------------- */

typedef int (*Compare)(const InventoryItem *a, const InventoryItem *b);

static int by_place(const InventoryItem *a, const InventoryItem *b)
{
    return a < b ? -1 : a > b;
}

static int by_number(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* NULL after all. */
static int by_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? (a == NULL) - (b == NULL) : strcmp(a, b);
}

static int by_row(const InventoryItem *a, const InventoryItem *b)
{
    int order = by_text(a->name, b->name);
    if (order == 0)
        order = by_number(a->version, b->version);
    return order != 0 ? order : by_place(a, b);
}

static int same_type(const InventoryItem *a, const InventoryItem *b)
{
    return by_text(item_type(a), item_type(b));
}

static int by_type(const InventoryItem *a, const InventoryItem *b)
{
    int order = same_type(a, b);
    if (order == 0 && a->row->stored_bytes != b->row->stored_bytes)
        order = a->row->stored_bytes > b->row->stored_bytes ? -1 : 1;
    return order != 0 ? order : by_place(a, b);
}

static int same_content(const InventoryItem *a, const InventoryItem *b)
{
    return memcmp(&a->row->content, &b->row->content, sizeof a->row->content);
}

static int by_content(const InventoryItem *a, const InventoryItem *b)
{
    int order = same_content(a, b);
    return order != 0 ? order : by_row(a, b);
}

static int same_name(const InventoryItem *a, const InventoryItem *b)
{
    return by_text(a->name, b->name);
}

static int same_run(const InventoryItem *a, const InventoryItem *b)
{
    return strcmp(a->row->run_id, b->row->run_id);
}

/* A time that is not known comes last. */
static int64_t known_time(const InventoryItem *item)
{
    return item->row->created_ns != 0 ? item->row->created_ns : INT64_MAX;
}

static int by_run(const InventoryItem *a, const InventoryItem *b)
{
    int order = same_run(a, b);
    if (order == 0)
        order = by_number(known_time(a), known_time(b));
    return order != 0 ? order : by_place(a, b);
}

static int same_reason(const InventoryItem *a, const InventoryItem *b)
{
    int order = by_number(a->is_damaged, b->is_damaged);
    if (order == 0)
        order = by_number(a->letter, b->letter);
    return order != 0 ? order : by_text(a->reason, b->reason);
}

static int by_reason(const InventoryItem *a, const InventoryItem *b)
{
    int order = same_reason(a, b);
    return order != 0 ? order : by_place(a, b);
}

/* --- groups ------------------------------------------------------------------------------------------------------------------ */

static void sum_add(Sum *sum, const InventoryItem *item)
{
    sum->count++;
    if (item->path != NULL) {
        sum->disk_count++;
        sum->disk_bytes += item->raw_bytes;
    }
    if (item->row != NULL) {
        sum->row_count++;
        sum->raw_bytes += item->raw_bytes;
        sum->stored_bytes += item->row->stored_bytes;
    }
}

/* qsort has no context, and the pointers are compared through one function each. */
#define SORTER(name, compare) \
    static int name(const void *a, const void *b) { \
        return compare(*(const InventoryItem *const *)a, *(const InventoryItem *const *)b); \
    }

SORTER(sort_by_type, by_type)
SORTER(sort_by_content, by_content)
SORTER(sort_by_row, by_row)
SORTER(sort_by_run, by_run)
SORTER(sort_by_reason, by_reason)

static int heavier(const void *a, const void *b)
{
    const Group *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return by_place(x->items[0], y->items[0]);
}

typedef bool (*ItemFilter)(const Inventory *inventory, const InventoryItem *item);
typedef bool (*GroupFilter)(Group *group); /* may set the weight */

/* Takes the items that pass `keep`, sorts them, cuts them where `same` is not 0, and keeps the groups that pass `judge`. */
static bool groups_make(const Inventory *inventory, ItemFilter keep, int (*sorter)(const void *, const void *), Compare same,
                        GroupFilter judge, Groups *out, Err *err)
{
    out->items = calloc(inventory->count + 1, sizeof *out->items);
    out->list = calloc(inventory->count + 1, sizeof *out->list);
    if (out->items == NULL || out->list == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < inventory->count; i++)
        if (keep(inventory, &inventory->items[i]))
            out->items[out->item_count++] = &inventory->items[i];
    qsort(out->items, out->item_count, sizeof *out->items, sorter);
    for (size_t i = 0, end; i < out->item_count; i = end) {
        Group group = {.items = out->items + i};
        for (end = i; end < out->item_count && same(out->items[i], out->items[end]) == 0; end++)
            sum_add(&group.sum, out->items[end]);
        group.count = end - i;
        if (judge(&group))
            out->list[out->count++] = group;
    }
    qsort(out->list, out->count, sizeof *out->list, heavier);
    return true;
}

static bool is_row(const Inventory *inventory, const InventoryItem *item)
{
    (void)inventory;
    return item->row != NULL;
}

static bool is_named_row(const Inventory *inventory, const InventoryItem *item)
{
    return is_row(inventory, item) && item->name != NULL && item->version >= 0;
}

static bool is_hashed_row(const Inventory *inventory, const InventoryItem *item)
{
    return is_named_row(inventory, item) && digest_is_known(&item->row->content);
}

static bool is_run_row(const Inventory *inventory, const InventoryItem *item)
{
    return is_row(inventory, item) && item->row->run_id[0] != '\0';
}

static bool is_reasoned(const Inventory *inventory, const InventoryItem *item)
{
    return inventory_kind(inventory, item) <= KIND_STAYS;
}

static bool judge_type(Group *group)
{
    group->weight = group->sum.stored_bytes;
    return true;
}

/* Two names at least; a row that two sources stand for is one copy. */
static bool judge_copies(Group *group)
{
    size_t names = 1, rows = 1;
    for (size_t i = 1; i < group->count; i++) {
        const InventoryItem *item = group->items[i], *before = group->items[i - 1];
        names += strcmp(item->name, before->name) != 0;
        if (item_same_row(item, before))
            continue;
        rows++;
        group->weight += item->row->stored_bytes;
    }
    return names >= 2 && rows >= 2;
}

static bool judge_series(Group *group)
{
    const InventoryItem *first = group->items[0], *last = group->items[group->count - 1];
    group->weight = first->raw_bytes > last->raw_bytes ? first->raw_bytes - last->raw_bytes : last->raw_bytes - first->raw_bytes;
    return first->version != last->version;
}

static bool judge_run(Group *group)
{
    int64_t first = group->items[0]->row->created_ns;
    group->weight = first > 0 ? (uint64_t)first : 0;
    return true;
}

static bool judge_reason(Group *group)
{
    group->weight = group->sum.count;
    return true;
}

/* Every item, by kind, in the caller's order: a counting sort. */
static bool group_by_kind(const Inventory *inventory, Facts *facts, Err *err)
{
    Groups *groups = &facts->by_kind;
    size_t at[KIND_COUNT], next = 0;
    groups->items = calloc(inventory->count + 1, sizeof *groups->items);
    groups->list = calloc(KIND_COUNT, sizeof *groups->list);
    if (groups->items == NULL || groups->list == NULL)
        return err_no_memory(err);
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const Sum *sum = &facts->kinds[kind];
        at[kind] = next;
        if (sum->count == 0)
            continue;
        Group group = {
            .items = groups->items + next, .count = (size_t)sum->count, .sum = *sum, .weight = (uint64_t)(KIND_COUNT - kind)};
        groups->list[groups->count++] = group;
        next += group.count;
    }
    for (size_t i = 0; i < inventory->count; i++)
        groups->items[at[inventory_kind(inventory, &inventory->items[i])]++] = &inventory->items[i];
    groups->item_count = next;
    return true;
}

static void sum_all(const Inventory *inventory, Facts *facts)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const InventoryItem *item = &inventory->items[i];
        Kind kind = inventory_kind(inventory, item);
        sum_add(&facts->all, item);
        sum_add(&facts->kinds[kind], item);
        if (kind <= KIND_STAYS)
            sum_add(&facts->must_stay, item);
    }
}

/* Sources of one content; all but one could go if a name were enough. */
static void sum_copies(Facts *facts)
{
    for (size_t i = 0; i < facts->copies.count; i++) {
        const Group *group = &facts->copies.list[i];
        facts->copy_bytes += group->weight;
        if (group->sum.disk_count > 1)
            facts->copy_disk_bytes += group->sum.disk_bytes - group->sum.disk_bytes / group->sum.disk_count;
    }
}

bool facts_make(const Inventory *inventory, Facts *out, Err *err)
{
    Facts facts = {0};
    sum_all(inventory, &facts);
    bool ok = group_by_kind(inventory, &facts, err) &&
              groups_make(inventory, is_reasoned, sort_by_reason, same_reason, judge_reason, &facts.reasons, err) &&
              groups_make(inventory, is_row, sort_by_type, same_type, judge_type, &facts.types, err) &&
              groups_make(inventory, is_hashed_row, sort_by_content, same_content, judge_copies, &facts.copies, err) &&
              groups_make(inventory, is_named_row, sort_by_row, same_name, judge_series, &facts.series, err) &&
              groups_make(inventory, is_run_row, sort_by_run, same_run, judge_run, &facts.runs, err);
    sum_copies(&facts);
    if (ok)
        *out = facts;
    else
        facts_free(&facts);
    return ok;
}

static void groups_free(Groups *groups)
{
    free(groups->items);
    free(groups->list);
    *groups = (Groups){0};
}

void facts_free(Facts *facts)
{
    groups_free(&facts->by_kind);
    groups_free(&facts->reasons);
    groups_free(&facts->types);
    groups_free(&facts->copies);
    groups_free(&facts->series);
    groups_free(&facts->runs);
    *facts = (Facts){0};
}
