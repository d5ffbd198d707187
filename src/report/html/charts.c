#include "write.h"

#include <string.h>

/* Widths are in percent and heights in pixels: bars stretch with the window, and the text in them keeps its size. */

#define MOST_TYPES 12
#define MOST_SERIES 24
#define MOST_COLUMNS 12

/* --- one bar for all --------------------------------------------------------------------------------------------------------- */

/* Bytes that a kind takes: on disk, or in the store for what the disk does not have. */
static uint64_t kind_bytes(const Sum *sum)
{
    return sum->disk_count > 0 ? sum->disk_bytes : sum->raw_bytes;
}

static void legend(Page *page, const Facts *facts)
{
    page_raw(page, "<ul class=legend>\n");
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const Sum *sum = &facts->kinds[kind];
        if (sum->count == 0)
            continue;
        page_format(page, "<li><i class=\"sw %s\"></i><b>%s</b> <span>", kind_class((Kind)kind), kind_title((Kind)kind));
        page_counted(page, sum->count, "model", "models");
        page_raw(page, ", ");
        page_bytes(page, kind_bytes(sum));
        page_raw(page, "</span>\n");
    }
    page_raw(page, "</ul>\n");
}

/* What is there is seen, however small it is. */
static double strip_weight(const Sum *sum, uint64_t total)
{
    double share = page_percent(kind_bytes(sum), total);
    return sum->count > 0 && share < 0.6 ? 0.6 : share;
}

void chart_kinds(Page *page, const Facts *facts)
{
    uint64_t total = 0;
    double whole = 0, x = 0;
    for (int kind = 0; kind < KIND_COUNT; kind++)
        total += kind_bytes(&facts->kinds[kind]);
    for (int kind = 0; kind < KIND_COUNT; kind++)
        whole += strip_weight(&facts->kinds[kind], total);
    page_raw(page, "<svg class=strip width=\"100%\" height=30 role=img aria-label=\"Bytes by state; the list below has the "
                   "numbers\">\n");
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        const Sum *sum = &facts->kinds[kind];
        if (sum->count == 0)
            continue;
        double width = 100 * strip_weight(sum, total) / whole;
        page_format(page, "<g><title>%s: ", kind_title((Kind)kind));
        page_bytes(page, kind_bytes(sum));
        page_format(page, "</title><rect class=%s x=\"%.3f%%\" width=\"%.3f%%\" height=30 /></g>\n", kind_class((Kind)kind), x,
                    width);
        x += width;
    }
    page_raw(page, "</svg>\n");
    legend(page, facts);
}

/* --- by model type ----------------------------------------------------------------------------------------------------------- */

static void type_title(Page *page, const Group *group)
{
    page_text(page, item_type(group->items[0]) != NULL ? item_type(group->items[0]) : "type not known");
    page_raw(page, ": ");
    page_counted(page, group->count, "model", "models");
    page_raw(page, ", ");
    page_bytes(page, group->sum.raw_bytes);
    page_raw(page, ", stored as ");
    page_bytes(page, group->sum.stored_bytes);
}

static void type_bar(Page *page, const Group *group, size_t index, uint64_t most)
{
    const Sum *sum = &group->sum;
    size_t y = index * 58;
    page_raw(page, "<g><title>");
    type_title(page, group);
    page_format(page, "</title><svg y=%zu width=\"70%%\" height=20><text class=lb y=14>", y);
    page_label(page, item_type(group->items[0]) != NULL ? item_type(group->items[0]) : "type not known", 36);
    page_format(page, "</text></svg><text class=vl x=\"100%%\" y=%zu>", y + 14);
    page_bytes(page, sum->stored_bytes);
    page_format(page, "</text><rect class=tr y=%zu width=\"100%%\" height=10 rx=5 />", y + 21);
    page_format(page, "<rect class=\"c%zu dim\" y=%zu width=\"%.3f%%\" height=10 rx=5 />", index < 7 ? index : 7, y + 21,
                page_percent(sum->raw_bytes, most));
    page_format(page, "<rect class=c%zu y=%zu width=\"%.3f%%\" height=10 rx=5 />", index < 7 ? index : 7, y + 21,
                page_percent(sum->stored_bytes, most));
    page_format(page, "<text class=mu y=%zu>", y + 46);
    page_counted(page, group->count, "model", "models");
    page_raw(page, ", ");
    page_bytes(page, sum->raw_bytes);
    page_format(page, " before, %.0f %% stored</text></g>\n", page_percent(sum->stored_bytes, sum->raw_bytes));
}

void chart_types(Page *page, const Facts *facts)
{
    const Groups *types = &facts->types;
    size_t shown = types->count < MOST_TYPES ? types->count : MOST_TYPES;
    uint64_t most = 0;
    for (size_t i = 0; i < shown; i++) {
        const Sum *sum = &types->list[i].sum;
        most = sum->raw_bytes > most ? sum->raw_bytes : most;
        most = sum->stored_bytes > most ? sum->stored_bytes : most;
    }
    page_format(page, "<svg width=\"100%%\" height=%zu role=img aria-label=\"Size by model type: ", shown * 58);
    for (size_t i = 0; i < shown; i++) {
        page_raw(page, i > 0 ? "; " : "");
        type_title(page, &types->list[i]);
    }
    page_raw(page, "\">\n");
    for (size_t i = 0; i < shown; i++)
        type_bar(page, &types->list[i], i, most);
    page_raw(page, "</svg>\n");
    if (types->count > shown) {
        page_raw(page, "<p class=more>");
        page_counted(page, types->count - shown, "more type is", "more types are");
        page_raw(page, " in the lists below.</p>\n");
    }
}

/* --- growth over versions ---------------------------------------------------------------------------------------------------- */

static void series_caption(Page *page, const Group *group)
{
    const InventoryItem *first = group->items[0], *last = group->items[group->count - 1];
    page_raw(page, "<figcaption><b title=\"");
    page_text(page, first->name);
    page_raw(page, "\">");
    page_label(page, first->name, 48);
    page_raw(page, "</b><span>");
    page_bytes(page, first->raw_bytes);
    page_raw(page, " \xe2\x86\x92 ");
    page_bytes(page, last->raw_bytes);
    if (first->raw_bytes > 0) {
        double change = 100.0 * ((double)last->raw_bytes - (double)first->raw_bytes) / (double)first->raw_bytes;
        bool less = change < 0;
        page_format(page, " <em>%s%.0f %%</em>", less ? "\xe2\x88\x92" : "+", less ? -change : change);
    }
    page_raw(page, "</span></figcaption>\n");
}

static void column(Page *page, const InventoryItem *item, size_t index, size_t count, uint64_t most, bool last)
{
    double slot = 100.0 / (double)(count < 4 ? 4 : count), x = slot * (double)index,
           height = 0.56 * page_percent(item->raw_bytes, most);
    if (height < 1)
        height = 1;
    page_format(page, "<g><title>version %d: ", (int)item->version);
    page_bytes(page, item->raw_bytes);
    page_raw(page, ", stored ");
    page_time(page, item->row->created_ns);
    page_format(page, "</title><rect class=%s x=\"%.3f%%\" y=\"%.1f\" width=\"%.3f%%\" height=\"%.1f\" rx=3 />",
                last ? "now" : "then", x, 74 - height, slot * 0.86, height);
    if (count <= 5) {
        page_format(page, "<text class=sm x=\"%.3f%%\" y=\"%.1f\">", x + slot * 0.43, 69 - height);
        page_bytes(page, item->raw_bytes);
        page_raw(page, "</text>");
    }
    page_format(page, "<text class=sm x=\"%.3f%%\" y=89>v%d</text></g>\n", x + slot * 0.43, (int)item->version);
}

static void series_figure(Page *page, const Group *group)
{
    const InventoryItem *distinct[MOST_COLUMNS];
    size_t count = 0, left_out = 0;
    uint64_t most = 0;
    for (size_t i = group->count; i-- > 0;) { /* the latest ones */
        if (i + 1 < group->count && item_same_row(group->items[i], group->items[i + 1]))
            continue;
        if (count == MOST_COLUMNS) {
            left_out++;
            continue;
        }
        distinct[count++] = group->items[i];
        most = group->items[i]->raw_bytes > most ? group->items[i]->raw_bytes : most;
    }
    page_raw(page, "<figure>");
    series_caption(page, group);
    page_raw(page, "<svg width=\"100%\" height=94 role=img aria-label=\"Sizes: ");
    for (size_t i = count; i-- > 0;) {
        page_format(page, "version %d ", (int)distinct[i]->version);
        page_bytes(page, distinct[i]->raw_bytes);
        page_raw(page, i > 0 ? ", " : "\">\n");
    }
    page_raw(page, "<line class=ax y1=\"74.5\" y2=\"74.5\" x2=\"100%\" />\n");
    for (size_t i = 0; i < count; i++)
        column(page, distinct[count - 1 - i], i, count, most, i + 1 == count);
    page_raw(page, "</svg>");
    if (left_out > 0) {
        page_raw(page, "<p class=more>");
        page_counted(page, left_out, "earlier version", "earlier versions");
        page_raw(page, " not drawn</p>");
    }
    page_raw(page, "</figure>\n");
}

void chart_series(Page *page, const Facts *facts)
{
    const Groups *series = &facts->series;
    size_t shown = series->count < MOST_SERIES ? series->count : MOST_SERIES;
    page_raw(page, "<div class=figures>\n");
    for (size_t i = 0; i < shown; i++)
        series_figure(page, &series->list[i]);
    page_raw(page, "</div>\n");
    if (series->count > shown) {
        page_raw(page, "<p class=more>The names that changed most. ");
        page_counted(page, series->count - shown, "more name has", "more names have");
        page_raw(page, " several versions.</p>\n");
    }
}

void chart_share(Page *page, uint64_t part, uint64_t whole)
{
    page_format(page, "<svg class=share width=\"100%%\" height=6 aria-hidden=true><rect class=tr width=\"100%%\" height=6 rx=3 />"
                      "<rect class=c0 width=\"%.2f%%\" height=6 rx=3 /></svg>",
                page_percent(part, whole));
}
