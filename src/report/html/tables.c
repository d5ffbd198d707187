#include "write.h"

#include <string.h>

/* Closing tags that HTML can do without are left out: a page of ten thousand items should stay small. */

#define PART_ITEMS 500   /* rows in one foldable part */
#define OPEN_ITEMS 25    /* a list of so many is open at first */
#define MOST_REASONS 20
#define FIRST_COPIES 8 /* the others are folded */
#define MOST_COPIES 100
#define MOST_NAMES 12
#define MOST_NAMED 3  /* for each reason */
#define MOST_RUNS 50

static void more(Page *page, uint64_t count, const char *one, const char *many)
{
    page_raw(page, "<p class=more>");
    page_counted(page, count, one, many);
    page_raw(page, "</p>\n");
}

/* Whom a reason is about. */
static void reason_names(Page *page, const Group *group)
{
    size_t shown = group->count <= MOST_NAMED + 1 ? group->count : MOST_NAMED;
    page_raw(page, "<p class=who>");
    for (size_t i = 0; i < shown; i++) {
        const InventoryItem *item = group->items[i];
        page_raw(page, i > 0 ? ", " : "");
        if (item->path != NULL)
            page_name(page, item->path);
        else
            page_row_name(page, item, 0);
    }
    if (group->count > shown) {
        page_raw(page, " and ");
        page_count(page, group->count - shown);
        page_raw(page, " more");
    }
}

/* A reason of one model begins with its path as a rule, which stands below it. */
static const char *without_path(const InventoryItem *item)
{
    size_t len = item->path != NULL ? strlen(item->path) : 0;
    bool begins = len > 0 && strncmp(item->reason, item->path, len) == 0 && strncmp(item->reason + len, ": ", 2) == 0;
    return begins ? item->reason + len + 2 : item->reason;
}

void table_reasons(Page *page, const Inventory *inventory, const Facts *facts)
{
    const Groups *reasons = &facts->reasons;
    size_t shown = 0;
    page_raw(page, "<table class=reasons><thead><tr><th scope=col>State<th scope=col>Why<th scope=col class=n>Models"
                   "<th scope=col class=n>Bytes<tbody>\n");
    for (int kind = 0; kind <= KIND_STAYS; kind++)
        for (size_t i = 0; i < reasons->count && shown < MOST_REASONS; i++) {
            const Group *group = &reasons->list[i];
            if (inventory_kind(inventory, group->items[0]) != (Kind)kind)
                continue;
            page_format(page, "<tr><th scope=row><i class=\"sw %s\"></i>%s<td>", kind_class((Kind)kind), kind_title((Kind)kind));
            page_text(page, group->items[0]->reason != NULL ? without_path(group->items[0]) : kind_note((Kind)kind));
            reason_names(page, group);
            page_raw(page, "<td class=n>");
            page_count(page, group->count);
            page_raw(page, "<td class=n>");
            page_bytes(page, group->sum.disk_count > 0 ? group->sum.disk_bytes : group->sum.raw_bytes);
            page_raw(page, "\n");
            shown++;
        }
    page_raw(page, "</table>\n");
    if (reasons->count > shown)
        more(page, reasons->count - shown, "more reason is in the lists below", "more reasons are in the lists below");
}

/* --- duplicates -------------------------------------------------------------------------------------------------------------- */

static void digest_cell(Page *page, const Digest *digest)
{
    char hex[2 * DIGEST_BYTES + 1];
    if (!digest_is_known(digest))
        return;
    digest_hex(digest, hex);
    page_format(page, "<code title=%s>%.8s</code>", hex, hex);
}

static void copy_names(Page *page, const Group *group)
{
    size_t shown = 0, rows = 0;
    page_raw(page, "<ul>");
    for (size_t i = 0; i < group->count; i++) {
        if (i > 0 && item_same_row(group->items[i], group->items[i - 1]))
            continue;
        if (rows++ >= MOST_NAMES)
            continue;
        page_raw(page, "<li>");
        page_row_name(page, group->items[i], 0);
        shown++;
    }
    page_raw(page, "</ul>");
    if (rows > shown)
        more(page, rows - shown, "more copy", "more copies");
}

static void copy_table(Page *page, const Groups *copies, size_t first, size_t end)
{
    page_raw(page, "<table class=copies><thead><tr><th scope=col>Content<th scope=col>Stored under<th scope=col class=n>Size"
                   "<th scope=col class=n>Could be saved<tbody>\n");
    for (size_t i = first; i < end; i++) {
        const Group *group = &copies->list[i];
        page_raw(page, "<tr><th scope=row>");
        digest_cell(page, &group->items[0]->row->content);
        page_raw(page, "<td>");
        copy_names(page, group);
        page_raw(page, "<td class=n>");
        page_bytes(page, group->items[0]->raw_bytes);
        page_raw(page, "<td class=n>");
        page_bytes(page, group->weight);
        chart_share(page, group->weight, copies->list[0].weight);
        page_raw(page, "\n");
    }
    page_raw(page, "</table>\n");
}

void table_copies(Page *page, const Facts *facts)
{
    const Groups *copies = &facts->copies;
    size_t shown = copies->count < MOST_COPIES ? copies->count : MOST_COPIES;
    size_t first = shown <= FIRST_COPIES + 2 ? shown : FIRST_COPIES;
    copy_table(page, copies, 0, first);
    if (shown > first) {
        page_raw(page, "<details><summary>The next ");
        page_count(page, shown - first);
        page_raw(page, "</summary>\n");
        copy_table(page, copies, first, shown);
        page_raw(page, "</details>\n");
    }
    if (copies->count > shown)
        more(page, copies->count - shown, "more content has several names", "more contents have several names");
}

/* --- all models -------------------------------------------------------------------------------------------------------------- */

/* State, path and name@version, type, sizes, when and by which run, digests, proofs: one short line of HTML. */
static void item_row(Page *page, const InventoryItem *item)
{
    page_raw(page, "<tr><td>");
    page_raw(page, (char[2]){item->letter != '\0' && strchr("=+-*", item->letter) != NULL ? item->letter : '!', '\0'});
    page_raw(page, "<th>");
    if (item->path != NULL)
        page_name(page, item->path);
    if (item->name != NULL) {
        page_raw(page, "<p>");
        page_row_name(page, item, 0);
    }
    if (item->reason != NULL) {
        page_raw(page, "<p class=w>");
        page_text(page, without_path(item));
    }
    page_raw(page, "<td>");
    page_text(page, item_type(item));
    page_raw(page, "<td>");
    page_bytes(page, item->raw_bytes);
    if (item->row != NULL) {
        page_raw(page, "<td>");
        page_bytes(page, item->row->stored_bytes);
        page_raw(page, "<td>");
        page_time(page, item->row->created_ns);
        if (item->row->run_id[0] != '\0') {
            page_raw(page, "<p>");
            page_tail(page, item->row->run_id, 8);
        }
        page_raw(page, "<td>");
        digest_cell(page, &item->row->content);
        page_raw(page, "<br>");
        digest_cell(page, &item->row->stored);
        page_raw(page, "<td>");
        page_raw(page, item->store_proof ? "<b>S</b>" : "");
        page_raw(page, item->download_proof ? "<b>R</b>" : "");
    }
    page_raw(page, "\n");
}

static void item_table(Page *page, const InventoryItem *const *items, size_t count)
{
    page_raw(page, "<table class=items><thead><tr><th scope=col>State<th scope=col>Model<th scope=col>Type<th scope=col>Size"
                   "<th scope=col>Stored<th scope=col>When, run<th scope=col>Content, payload<th scope=col>Proof<tbody>\n");
    for (size_t i = 0; i < count; i++)
        item_row(page, items[i]);
    page_raw(page, "</table>\n");
}

static void item_parts(Page *page, const Group *group)
{
    for (size_t first = 0; first < group->count; first += PART_ITEMS) {
        size_t left = group->count - first, count = left < PART_ITEMS ? left : PART_ITEMS;
        const InventoryItem *from = group->items[first];
        page_raw(page, "<details class=part><summary>");
        page_count(page, first + 1);
        page_raw(page, " to ");
        page_count(page, first + count);
        page_raw(page, ", from ");
        page_label(page, from->path != NULL ? from->path : from->name, 48);
        page_raw(page, "</summary>\n");
        item_table(page, group->items + first, count);
        page_raw(page, "</details>\n");
    }
}

void table_items(Page *page, const Facts *facts)
{
    for (size_t i = 0; i < facts->by_kind.count; i++) {
        const Group *group = &facts->by_kind.list[i];
        Kind kind = (Kind)(KIND_COUNT - (int)group->weight);
        bool open = group->count <= OPEN_ITEMS || (kind <= KIND_UNCHECKED && group->count <= PART_ITEMS);
        page_format(page, "<details class=group%s><summary><h3><i class=\"sw %s\"></i>%s</h3> <span>", open ? " open" : "",
                    kind_class(kind), kind_title(kind));
        page_counted(page, group->count, "model", "models");
        page_raw(page, ", ");
        page_bytes(page, group->sum.disk_count > 0 ? group->sum.disk_bytes : group->sum.raw_bytes);
        page_format(page, "</span></summary>\n<p>%s</p>\n", kind_note(kind));
        if (group->count <= PART_ITEMS)
            item_table(page, group->items, group->count);
        else
            item_parts(page, group);
        page_raw(page, "</details>\n");
    }
}

/* --- runs -------------------------------------------------------------------------------------------------------------------- */

void table_runs(Page *page, const Facts *facts)
{
    const Groups *runs = &facts->runs;
    page_raw(page, "<table class=runs><thead><tr><th scope=col>Run<th scope=col>First stored<th scope=col class=n>Models"
                   "<th scope=col class=n>Stored<tbody>\n");
    for (size_t i = 0; i < runs->count && i < MOST_RUNS; i++) {
        const Group *group = &runs->list[i];
        page_raw(page, "<tr><th scope=row><code>");
        page_text(page, group->items[0]->row->run_id);
        page_raw(page, "</code><td>");
        page_time(page, group->items[0]->row->created_ns);
        page_raw(page, "<td class=n>");
        page_count(page, group->count);
        page_raw(page, "<td class=n>");
        page_bytes(page, group->sum.stored_bytes);
        page_raw(page, "\n");
    }
    page_raw(page, "</table>\n");
    if (runs->count > MOST_RUNS)
        more(page, runs->count - MOST_RUNS, "earlier run", "earlier runs");
}
