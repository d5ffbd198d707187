#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "parts.h"

struct RevisionIndexes {
    uint32_t *items; /* `before` of all revisions, one behind the other */
};

static void free_indexes(Revisions *set)
{
    if (set->indexes != NULL)
        free(set->indexes->items);
    free(set->indexes);
    set->indexes = NULL;
}

void revisions_free(Revisions *set)
{
    for (size_t i = 0; i < set->count; i++)
        revision_free(&set->items[i]);
    free(set->items);
    free_indexes(set);
    strmap_free(&set->by_id);
    arena_free(&set->arena);
    *set = (Revisions){0};
}

/* --- sorting ----------------------------------------------------------------------------------------------------------------- */

typedef enum Mark { UNSEEN, OPEN, DONE } Mark;

typedef struct Sorting {
    Revisions *set;
    Mark *marks;
    uint32_t *stack, *next, *order; /* next: which of its predecessors is looked at */
    size_t depth, sorted;
} Sorting;

static size_t before_count(const Revision *revision)
{
    return revision->parents.count + revision->depends.count;
}

static const char *before_name(const Revision *revision, size_t index)
{
    size_t parents = revision->parents.count;
    return index < parents ? revision->parents.items[index] : revision->depends.items[index - parents];
}

static bool refuse_missing(const Revision *revision, size_t index, Err *err)
{
    return err_set(err, ERR_SCHEMA, "%s: %s %s is in no file", revision->file,
                   index < revision->parents.count ? "down_revision" : "depends_on", before_name(revision, index));
}

/* The open ones from `first` on stand on each other. */
static bool refuse_circle(const Sorting *sorting, uint32_t first, Err *err)
{
    Buf path = {0};
    size_t from = 0;
    while (from < sorting->depth && sorting->stack[from] != first)
        from++;
    bool ok = true;
    for (size_t i = from; ok && i < sorting->depth && i - from < 8; i++)
        ok = buf_format(&path, err, "%s -> ", sorting->set->items[sorting->stack[i]].id);
    if (ok)
        err_set(err, ERR_SCHEMA, "%s: a circle: %.*s%s", sorting->set->items[first].file, (int)path.len, path.data,
                sorting->set->items[first].id);
    buf_free(&path);
    return false;
}

static void push(Sorting *sorting, uint32_t index)
{
    sorting->marks[index] = OPEN;
    sorting->next[index] = 0;
    sorting->stack[sorting->depth++] = index;
}

/* One step of a walk in depth, without recursion: a folder may hold a chain of any length. */
static bool step(Sorting *sorting, Err *err)
{
    uint32_t top = sorting->stack[sorting->depth - 1], index = sorting->next[top]++;
    const Revision *revision = &sorting->set->items[top];
    if (index == before_count(revision)) {
        sorting->marks[top] = DONE;
        sorting->order[sorting->sorted++] = top;
        sorting->depth--;
        return true;
    }
    uint32_t other = strmap_get(&sorting->set->by_id, before_name(revision, index));
    if (other == STRMAP_NONE)
        return refuse_missing(revision, index, err);
    if (sorting->marks[other] == OPEN)
        return refuse_circle(sorting, other, err);
    if (sorting->marks[other] == UNSEEN)
        push(sorting, other);
    return true;
}

/* The new order, and who knows which by id. */
static bool put_in_order(Sorting *sorting, Err *err)
{
    Revisions *set = sorting->set;
    StrMap by_id = {0};
    Revision *items = calloc(set->count + 1, sizeof *items);
    bool ok = items != NULL || err_no_memory(err);
    for (size_t i = 0; ok && i < set->count; i++) {
        items[i] = set->items[sorting->order[i]];
        ok = strmap_add(&by_id, items[i].id, (uint32_t)i, NULL, err);
    }
    if (!ok) {
        strmap_free(&by_id);
        free(items);
        return false;
    }
    free(set->items);
    strmap_free(&set->by_id);
    set->items = items;
    set->by_id = by_id;
    set->cap = set->count + 1;
    return true;
}

static bool fill_before(Revisions *set, Err *err)
{
    size_t total = 0, used = 0;
    for (size_t i = 0; i < set->count; i++)
        total += before_count(&set->items[i]);
    free_indexes(set);
    struct RevisionIndexes *indexes = calloc(1, sizeof *indexes);
    set->indexes = indexes;
    if (indexes == NULL || (indexes->items = calloc(total + 1, sizeof *indexes->items)) == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        Revision *revision = &set->items[i];
        revision->before = indexes->items + used;
        revision->before_count = before_count(revision);
        for (size_t k = 0; k < revision->before_count; k++)
            indexes->items[used++] = strmap_get(&set->by_id, before_name(revision, k));
    }
    return true;
}

bool revisions_connect(Revisions *set, Err *err)
{
    size_t count = set->count + 1;
    Sorting sorting = {.set = set,
                       .marks = calloc(count, sizeof(Mark)),
                       .stack = calloc(count, sizeof(uint32_t)),
                       .next = calloc(count, sizeof(uint32_t)),
                       .order = calloc(count, sizeof(uint32_t))};
    bool ok = (sorting.marks != NULL && sorting.stack != NULL && sorting.next != NULL && sorting.order != NULL) ||
              err_no_memory(err);
    for (uint32_t i = 0; ok && i < set->count; i++) {
        if (sorting.marks[i] == UNSEEN)
            push(&sorting, i);
        while (ok && sorting.depth > 0)
            ok = step(&sorting, err);
    }
    ok = ok && put_in_order(&sorting, err) && fill_before(set, err);
    free(sorting.marks);
    free(sorting.stack);
    free(sorting.next);
    free(sorting.order);
    return ok;
}

/* --- questions --------------------------------------------------------------------------------------------------------------- */

bool *revisions_none(const Revisions *set, Err *err)
{
    bool *chosen = calloc(set->count + 1, sizeof *chosen);
    if (chosen == NULL)
        err_no_memory(err);
    return chosen;
}

uint32_t revisions_exact(const Revisions *set, const char *id)
{
    uint32_t found = strmap_get(&set->by_id, id);
    return found != STRMAP_NONE ? found : REVISION_NONE;
}

uint32_t revisions_find(const Revisions *set, const char *word, Err *err)
{
    uint32_t found = revisions_exact(set, word);
    if (found != REVISION_NONE || word[0] == '\0')
        return found;
    for (uint32_t i = 0; i < set->count; i++) {
        if (!text_starts_with(set->items[i].id, word))
            continue;
        if (found != REVISION_NONE) {
            err_set(err, ERR_SCHEMA, "%s: %s may be %s or %s", set->folder, word, set->items[found].id, set->items[i].id);
            return REVISION_NONE;
        }
        found = i;
    }
    if (found == REVISION_NONE)
        err_set(err, ERR_SCHEMA, "%s: there is no revision %s", set->folder, word);
    return found;
}

void revisions_add_before(const Revisions *set, bool *chosen)
{
    for (size_t i = set->count; i-- > 0;)
        for (size_t k = 0; chosen[i] && k < set->items[i].before_count; k++)
            chosen[set->items[i].before[k]] = true;
}

void revisions_add_after(const Revisions *set, bool *chosen)
{
    for (size_t i = 0; i < set->count; i++)
        for (size_t k = 0; !chosen[i] && k < set->items[i].before_count; k++)
            chosen[i] = chosen[set->items[i].before[k]];
}

size_t revisions_children(const Revisions *set, uint32_t index)
{
    size_t children = 0;
    for (size_t i = index + 1; i < set->count; i++)
        for (size_t k = 0; k < set->items[i].parents.count; k++)
            children += set->items[i].before[k] == index;
    return children;
}

bool revisions_is_parent(const Revisions *set, uint32_t index)
{
    return revisions_children(set, index) > 0;
}

bool revisions_is_head(const Revisions *set, const bool *chosen, uint32_t index)
{
    if (!chosen[index])
        return false;
    for (size_t i = index + 1; i < set->count; i++)
        for (size_t k = 0; chosen[i] && k < set->items[i].before_count; k++)
            if (set->items[i].before[k] == index)
                return false;
    return true;
}

bool revisions_heads_text(const Revisions *set, Buf *out, Err *err)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (!revisions_is_parent(set, i) && !buf_format(out, err, "%s%s", out->len > 0 ? ", " : "", set->items[i].id))
            return false;
    return true;
}
