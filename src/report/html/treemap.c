#include "write.h"

#include <stdlib.h>
#include <string.h>

/* Two levels: model types share the area by stored bytes, and the models of a type share its part. Squarified (Bruls, Huizing, van
 * Wijk 2000): rows are filled along the shorter side as long as that makes the cells squarer. */

#define MOST_TYPES 8   /* the last one gathers the rest */
#define MOST_CELLS 60  /* in a type; the last one gathers the rest … */
#define REST_SHARE 0.2 /* … and takes no more of the picture than this part of its type */
#define WIDTH 1000.0   /* the shape of the picture on a screen; it is stretched to the window */
#define HEIGHT 430.0

typedef struct Rect {
    double x, y, w, h;
} Rect;

typedef struct Cell {
    const InventoryItem *item; /* NULL: several */
    uint64_t count, bytes;
    double area; /* what it takes of the picture: its bytes, or less */
} Cell;

/* The worst ratio of sides in a row of cells that sum to `sum` along a side of this length. */
static double worst_ratio(double largest, double smallest, double sum, double side)
{
    double a = side * side * largest / (sum * sum), b = sum * sum / (side * side * smallest);
    return a > b ? a : b;
}

/* Puts cells first..end-1 in a row along the shorter side of *area and takes that row off it. */
static void lay_row(const double *areas, size_t first, size_t end, double sum, Rect *area, Rect *out)
{
    bool wide = area->w >= area->h;
    double side = wide ? area->h : area->w, depth = side > 0 ? sum / side : 0, at = 0;
    for (size_t i = first; i < end; i++) {
        double length = depth > 0 ? areas[i] / depth : 0;
        out[i] = wide ? (Rect){area->x, area->y + at, depth, length} : (Rect){area->x + at, area->y, length, depth};
        at += length;
    }
    if (wide) {
        area->x += depth;
        area->w -= depth;
    } else {
        area->y += depth;
        area->h -= depth;
    }
}

/* values: over 0, falling. */
static void squarify(const double *values, size_t count, Rect area, Rect *out)
{
    double areas[MOST_CELLS], total = 0;
    for (size_t i = 0; i < count; i++)
        total += values[i];
    for (size_t i = 0; i < count; i++)
        areas[i] = values[i] / total * area.w * area.h;
    for (size_t first = 0, end; first < count; first = end) {
        double side = area.w < area.h ? area.w : area.h, sum = areas[first];
        for (end = first + 1; end < count; end++) {
            double grown = sum + areas[end];
            if (worst_ratio(areas[first], areas[end], grown, side) > worst_ratio(areas[first], areas[end - 1], sum, side))
                break;
            sum = grown;
        }
        lay_row(areas, first, end, sum, &area, out);
    }
}

static void cell_title(Page *page, const Cell *cell)
{
    if (cell->item == NULL)
        page_counted(page, cell->count, "smaller model", "smaller models");
    else
        page_row_name(page, cell->item, SIZE_MAX / 4);
    page_raw(page, ", ");
    page_bytes(page, cell->bytes);
}

/* The end of the name tells models of one folder apart. */
static void cell_label(Page *page, const Cell *cell)
{
    const InventoryItem *item = cell->item;
    const char *slash = item != NULL && item->name != NULL ? strrchr(item->name, '/') : NULL;
    if (item == NULL) {
        page_counted(page, cell->count, "smaller one", "smaller ones");
        return;
    }
    page_raw(page, "<b>");
    page_label(page, slash != NULL && slash[1] != '\0' ? slash + 1 : item->name, 60);
    page_raw(page, "</b>");
    if (item->version > 1) /* most names have one version, and little room */
        page_format(page, "<i>@%d</i>", (int)item->version);
}

/* Labels are where a screen has room for them; the style sheet hides the smaller ones on a phone. */
static void draw_cell(Page *page, const Cell *cell, const Rect *rect, size_t color)
{
    char place[160];
    snprintf(place, sizeof place, "x=\"%.2f%%\" y=\"%.2f%%\" width=\"%.2f%%\" height=\"%.2f%%\"", 100 * rect->x / WIDTH,
             100 * rect->y / HEIGHT, 100 * rect->w / WIDTH, 100 * rect->h / HEIGHT);
    page_raw(page, "<g><title>");
    cell_title(page, cell);
    page_format(page, "</title><rect class=\"c%zu%s\" %s />", color, cell->item == NULL ? " rest" : "", place);
    if (rect->w >= 70 && rect->h >= 34) {
        page_format(page, "<foreignObject %s><div class=\"cell%s\">", place, rect->w < 160 ? " small" : "");
        page_raw(page, "<p>");
        cell_label(page, cell);
        page_raw(page, "</p><span>");
        page_bytes(page, cell->bytes);
        page_raw(page, "</span></div></foreignObject>");
    }
    page_raw(page, "</g>\n");
}

/* The largest rows of the groups, and one cell for the rest; only what has bytes. Returns the number of cells. */
static size_t collect_cells(const Group *groups, size_t count, Cell *cells)
{
    size_t used = 0;
    for (size_t g = 0; g < count; g++) {
        for (size_t i = 0; i < groups[g].count; i++) {
            const InventoryItem *item = groups[g].items[i];
            if (item->row->stored_bytes == 0)
                continue;
            if (used < MOST_CELLS) {
                cells[used++] = (Cell){.item = item, .count = 1, .bytes = item->row->stored_bytes};
                continue;
            }
            cells[used - 1].item = NULL;
            cells[used - 1].count++;
            cells[used - 1].bytes += item->row->stored_bytes;
        }
    }
    return used;
}

static int larger_cell(const void *a, const void *b)
{
    const Cell *x = a, *y = b;
    if (x->area != y->area)
        return x->area > y->area ? -1 : 1;
    return x->item == NULL || y->item == NULL ? (x->item == NULL) - (y->item == NULL) : x->item < y->item ? -1 : x->item > y->item;
}

/* Thousands of small models would leave no room for those that can be told apart. */
static void limit_rest(Cell *cells, size_t used)
{
    double named = 0;
    for (size_t i = 0; i < used; i++)
        named += cells[i].item != NULL ? (double)cells[i].bytes : 0;
    for (size_t i = 0; i < used; i++) {
        double most = named * REST_SHARE / (1 - REST_SHARE);
        cells[i].area = (double)cells[i].bytes;
        if (cells[i].item == NULL && used > 1 && cells[i].area > most)
            cells[i].area = most;
    }
}

/* True: a cell gathers the rest. */
static bool draw_type(Page *page, const Group *groups, size_t count, Rect area, size_t color)
{
    bool has_rest = false;
    Cell cells[MOST_CELLS];
    double values[MOST_CELLS] = {0};
    Rect rects[MOST_CELLS];
    size_t used = collect_cells(groups, count, cells);
    limit_rest(cells, used);
    qsort(cells, used, sizeof *cells, larger_cell);
    for (size_t i = 0; i < used; i++)
        values[i] = cells[i].area;
    squarify(values, used, area, rects);
    for (size_t i = 0; i < used; i++) {
        draw_cell(page, &cells[i], &rects[i], color);
        has_rest = has_rest || cells[i].item == NULL;
    }
    return has_rest;
}

/* Types with bytes come first in facts->types. The ones from number 7 on share a part. */
void chart_treemap(Page *page, const Facts *facts)
{
    const Groups *types = &facts->types;
    double values[MOST_TYPES] = {0};
    Rect rects[MOST_TYPES];
    size_t used = 0;
    bool has_rest = false;
    for (size_t i = 0; i < types->count && types->list[i].weight > 0; i++) {
        used = i < MOST_TYPES ? i + 1 : MOST_TYPES;
        values[used - 1] += (double)types->list[i].weight;
    }
    page_raw(page, "<svg class=map width=\"100%\" role=img aria-label=\"Treemap of the stored bytes by model, coloured by "
                   "type\">\n");
    squarify(values, used, (Rect){0, 0, WIDTH, HEIGHT}, rects);
    for (size_t i = 0; i < used; i++)
        has_rest |= draw_type(page, &types->list[i], i + 1 < MOST_TYPES ? 1 : types->count - i, rects[i], i);
    page_raw(page, "</svg>\n<ul class=\"legend keys\">\n");
    for (size_t i = 0; i < used; i++) {
        const char *type = item_type(types->list[i].items[0]);
        page_format(page, "<li><i class=\"sw c%zu\"></i>", i);
        page_label(page,
                   i + 1 == MOST_TYPES && types->count > MOST_TYPES ? "other types"
                   : type != NULL                                   ? type
                                                                    : "type not known",
                   40);
        page_raw(page, "\n");
    }
    if (has_rest)
        page_raw(page, "<li><i class=\"sw c7 rest\"></i>the smallest ones together, not to scale\n");
    page_raw(page, "</ul>\n");
}
