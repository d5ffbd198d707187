#include "flow/odd.h"

#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/vec.h"

#define TOLD_AT_MOST 10

void odd_rows_free(OddRows *rows)
{
    free(rows->items);
    arena_free(&rows->arena);
    *rows = (OddRows){0};
}

static bool add_row(OddRows *rows, const StoreOdd *odd, Buf *text, Err *err)
{
    bool has_name = odd->name != NULL && odd->name[0] != '\0';
    OddRow row = {.is_newest = odd->is_newest, .is_live = odd->is_newest && odd->is_active && odd->name != NULL};
    if (!buf_format(text, err, "%s%s%s%s: %s", odd->place, has_name ? " (" : "", has_name ? odd->name : "", has_name ? ")" : "",
                    odd->problem))
        return false;
    row.text = arena_copy(&rows->arena, text->data, text->len, err);
    row.name = row.text != NULL ? arena_copy(&rows->arena, has_name ? odd->name : "", has_name ? strlen(odd->name) : 0, err) : NULL;
    OddRow *added = row.name != NULL ? vec_push(rows, err) : NULL;
    if (added != NULL)
        *added = row;
    return added != NULL;
}

static bool note(void *ctx, const StoreOdd *odd, Err *err)
{
    Buf text = {0};
    bool ok = interrupt_check(err) && add_row(ctx, odd, &text, err);
    buf_free(&text);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    const OddRow *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->text, y->text);
}

bool odd_rows_list(Store *store, const char *name, OddRows *rows, Err *err)
{
    odd_rows_free(rows);
    if (!store_odd_rows(store, name, note, rows, err))
        return false;
    if (rows->count > 0)
        qsort(rows->items, rows->count, sizeof *rows->items, by_name);
    return true;
}

void odd_rows_warn(const OddRows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        log_line(i < TOLD_AT_MOST ? LOG_WARN : LOG_INFO, "a row of models cannot be used: %s", rows->items[i].text);
    if (rows->count > TOLD_AT_MOST)
        log_line(LOG_WARN, "%zu more rows of models cannot be used", rows->count - TOLD_AT_MOST);
}

const OddRow *odd_rows_live(const OddRows *rows, const char *name)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(rows->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < rows->count && strcmp(rows->items[low].name, name) == 0; low++)
        if (rows->items[low].is_live)
            return &rows->items[low];
    return NULL;
}
