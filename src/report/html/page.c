#include "write.h"

#include <string.h>

#include "base/program.h"

#define MOST_DAMAGED 10 /* named at the top */

static void head(Page *page, const Inventory *inventory)
{
    page_raw(page, "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri "
                   "'none'; "
                   "form-action 'none'\">\n"
                   "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<meta name=color-scheme content=\"light "
                   "dark\">\n"
                   "<meta name=referrer content=no-referrer>\n<title>");
    page_text(page, inventory->title);
    page_raw(page, ": ");
    page_text(page, inventory->models_dir);
    page_raw(page, "</title>\n<style>\n");
    page_raw(page, inventory_style);
    page_raw(page, "</style>\n</head>\n<body>\n");
}

static void banner(Page *page, const Inventory *inventory)
{
    page_raw(page, "<header>\n<h1>");
    page_text(page, inventory->title);
    page_raw(page, "</h1>\n<dl>\n<div><dt>Tree<dd>");
    page_text(page, inventory->models_dir);
    page_raw(page, "</div>\n<div><dt>Store<dd>");
    page_text(page, inventory->store);
    page_raw(page, "</div>\n<div><dt>Host<dd>");
    page_text(page, inventory->host);
    page_raw(page, "</div>\n<div><dt>Made<dd>");
    page_time(page, inventory->made_ns);
    page_raw(page, " UTC</div>\n</dl>\n</header>\n<main>\n");
}

/* --- the verdict ------------------------------------------------------------------------------------------------------------- */

static void damaged_list(Page *page, const Facts *facts)
{
    const Group *group = &facts->by_kind.list[0]; /* the worst kind comes first */
    size_t shown = group->count < MOST_DAMAGED ? group->count : MOST_DAMAGED;
    page_raw(page, "<ul>\n");
    for (size_t i = 0; i < shown; i++) {
        page_raw(page, "<li><b>");
        page_row_name(page, group->items[i], 0);
        page_raw(page, "</b> ");
        page_text(page, group->items[i]->reason);
        page_raw(page, "\n");
    }
    page_raw(page, "</ul>\n");
    if (group->count > shown) {
        page_raw(page, "<p>");
        page_counted(page, group->count - shown, "more is", "more are");
        page_raw(page, " in the list below.</p>\n");
    }
}

/* What a clean-up is asked for, first of all. */
static void cleanup_verdict(Page *page, const Facts *facts)
{
    uint64_t go = facts->kinds[KIND_CAN_GO].disk_count, all = facts->all.disk_count;
    page_format(page, "<section class=\"verdict %s\">\n<h2>", go > 0 ? "good" : "warn");
    page_count(page, go);
    page_raw(page, " of ");
    page_counted(page, all, "model may go", "models may go");
    if (go > 0) {
        page_raw(page, ", frees ");
        page_bytes(page, facts->kinds[KIND_CAN_GO].disk_bytes);
    }
    page_raw(page, "</h2>\n<p>");
    if (go > 0)
        page_raw(page, "Each of them was proven just now: the file, the payload in the store and their hashes agree. ");
    if (facts->must_stay.disk_count > 0) {
        page_counted(page, facts->must_stay.disk_count, "must stay", "must stay");
        page_raw(page, "; the reasons are below.");
    }
    page_raw(page, "</p>\n</section>\n");
}

static uint64_t count_differences(const Facts *facts)
{
    uint64_t count = 0;
    for (int kind = KIND_DAMAGED; kind <= KIND_ONLY_STORE; kind++)
        count += facts->kinds[kind].count;
    return count;
}

static void list_differences(Page *page, const Facts *facts)
{
    static const char *const words[] = {[KIND_DAMAGED] = "damaged", [KIND_DIFFERS] = "of content", [KIND_UNCHECKED] = "not checked",
                                        [KIND_ONLY_DISK] = "only on disk", [KIND_STAYS] = "stored, but not proven",
                                        [KIND_ONLY_STORE] = "only in the store"};
    bool first = true;
    for (int kind = KIND_DAMAGED; kind <= KIND_ONLY_STORE; kind++) {
        if (facts->kinds[kind].count == 0)
            continue;
        page_raw(page, first ? "" : ", ");
        page_counted(page, facts->kinds[kind].count, words[kind], words[kind]);
        first = false;
    }
    page_raw(page, ".");
}

static void verdict(Page *page, const Inventory *inventory, const Facts *facts)
{
    if (inventory->is_cleanup && facts->all.disk_count > 0)
        cleanup_verdict(page, facts);
    uint64_t damaged = facts->kinds[KIND_DAMAGED].count, differ = facts->kinds[KIND_DIFFERS].count;
    uint64_t unchecked = facts->kinds[KIND_UNCHECKED].count, new_count = facts->kinds[KIND_ONLY_DISK].count;
    if (damaged > 0) {
        page_raw(page, "<section class=\"verdict bad\" role=alert>\n<h2>");
        page_counted(page, damaged, "model is", "models are");
        page_format(page, " damaged in the store</h2>\n<p>%s</p>\n", kind_note(KIND_DAMAGED));
        damaged_list(page, facts);
        page_raw(page, "</section>\n");
    }
    if (differ + unchecked > 0 && !inventory->is_cleanup) {
        page_raw(page, "<section class=\"verdict warn\">\n<h2>");
        page_counted(page, count_differences(facts), "difference", "differences");
        page_raw(page, "</h2>\n<p>");
        list_differences(page, facts);
        page_raw(page, "</p>\n</section>\n");
    }
    if (damaged + differ + unchecked == 0 && !(inventory->is_cleanup && facts->all.disk_count > 0))
        page_format(page, "<section class=\"verdict good\">\n<h2>%s</h2>\n<p>%s</p>\n</section>\n",
                    facts->all.count == 0 ? "Nothing is here"
                    : new_count > 0       ? "Nothing is wrong, some models are not stored yet"
                                          : "The tree and the store agree",
                    "No damage, no difference in content.");
}

/* --- the numbers ------------------------------------------------------------------------------------------------------------- */

static void tile(Page *page, const char *class, const char *title, uint64_t count)
{
    page_format(page, "<div class=\"tile %s\"><h3>%s</h3><p class=big>", class, title);
    page_count(page, count);
    page_raw(page, "</p><p>");
}

static void store_tile(Page *page, const Facts *facts)
{
    const Sum *all = &facts->all;
    tile(page, "", "In the store", all->row_count);
    page_bytes(page, all->stored_bytes);
    if (all->raw_bytes > 0)
        page_format(page, ", %.0f %% of ", page_percent(all->stored_bytes, all->raw_bytes));
    if (all->raw_bytes > 0)
        page_bytes(page, all->raw_bytes);
    page_raw(page, "</p></div>\n");
}

static void cleanup_tiles(Page *page, const Facts *facts)
{
    tile(page, "go", "Can go", facts->kinds[KIND_CAN_GO].disk_count);
    page_raw(page, "frees ");
    page_bytes(page, facts->kinds[KIND_CAN_GO].disk_bytes);
    page_raw(page, "</p></div>\n");
    tile(page, facts->must_stay.disk_count > 0 ? "stay" : "", "Must stay", facts->must_stay.disk_count);
    page_bytes(page, facts->must_stay.disk_bytes);
    page_raw(page, "</p></div>\n");
}

static void check_tiles(Page *page, const Facts *facts)
{
    uint64_t differences = count_differences(facts);
    tile(page, "go", "Same", facts->kinds[KIND_SAME].count);
    page_bytes(page, facts->kinds[KIND_SAME].disk_bytes);
    page_raw(page, "</p></div>\n");
    tile(page, differences > 0 ? "stay" : "", "Differences", differences);
    page_raw(page, "in either direction</p></div>\n");
}

static void left_out(Page *page, const LeftOut *left_out)
{
    if (left_out == NULL || left_out->files + left_out->hidden == 0)
        return;
    page_raw(page, "<p class=more>Not looked at, and not stored: ");
    if (left_out->files > 0) {
        page_counted(page, left_out->files, "file that no pattern takes", "files that no pattern takes");
        for (size_t i = 0; i < left_out->kinds.count && i < 8; i++) {
            page_raw(page, i == 0 ? " (" : ", ");
            page_text(page, left_out->kinds.items[i].pattern);
            page_raw(page, " ");
            page_count(page, left_out->kinds.items[i].count);
        }
        page_raw(page, left_out->kinds.count > 8 ? ", …)" : ")");
    }
    page_raw(page, left_out->files > 0 && left_out->hidden > 0 ? ", " : "");
    if (left_out->hidden > 0)
        page_counted(page, left_out->hidden, "hidden folder or file", "hidden folders and files");
    page_raw(page, ".</p>\n");
}

static void numbers(Page *page, const Inventory *inventory, const Facts *facts)
{
    page_raw(page, "<section aria-labelledby=sum>\n<h2 id=sum class=hide>Summary</h2>\n<div class=tiles>\n");
    tile(page, "", "On disk", facts->all.disk_count);
    page_bytes(page, facts->all.disk_bytes);
    page_raw(page, "</p></div>\n");
    store_tile(page, facts);
    if (inventory->is_cleanup)
        cleanup_tiles(page, facts);
    else
        check_tiles(page, facts);
    page_raw(page, "</div>\n");
    if (facts->all.count > 0)
        chart_kinds(page, facts);
    if (inventory->older > 0) {
        page_raw(page, "<p class=more>The store keeps ");
        page_counted(page, inventory->older, "earlier version", "earlier versions");
        page_raw(page, " of names that the tree has. That is history, not a difference.</p>\n");
    }
    left_out(page, inventory->left_out);
    page_raw(page, "</section>\n");
}

/* --- the sections ------------------------------------------------------------------------------------------------------------ */

static void open_section(Page *page, const char *id, const char *title, const char *note)
{
    page_format(page, "<section aria-labelledby=%s>\n<h2 id=%s>%s</h2>\n<p class=note>%s</p>\n", id, id, title, note);
}

static void pictures(Page *page, const Facts *facts)
{
    if (facts->types.count > 0) {
        open_section(page, "what", "What is stored", "Each field is a version of a model, as large as its payload in the store.");
        if (facts->all.stored_bytes > 0)
            chart_treemap(page, facts);
        page_raw(page, "</section>\n");
        open_section(page, "types", "Size by model type",
                     "Dark: bytes in the store. Light: the same models before they were compressed.");
        chart_types(page, facts);
        page_raw(page, "</section>\n");
    }
    if (facts->series.count > 0) {
        open_section(page, "growth", "Growth over versions",
                     "The size of a model, version by version, before compression. The largest change first.");
        chart_series(page, facts);
        page_raw(page, "</section>\n");
    }
}

static void duplicates(Page *page, const Facts *facts)
{
    if (facts->copies.count == 0)
        return;
    page_raw(page, "<section aria-labelledby=dup>\n<h2 id=dup>Duplicates</h2>\n<p class=note>");
    page_counted(page, facts->copies.count, "content is", "contents are");
    page_raw(page, " stored under several names. One copy of each would save ");
    page_bytes(page, facts->copy_bytes);
    page_raw(page, " in the store");
    if (facts->copy_disk_bytes > 0) {
        page_raw(page, " and ");
        page_bytes(page, facts->copy_disk_bytes);
        page_raw(page, " on disk");
    }
    page_raw(page, ".</p>\n");
    table_copies(page, facts);
    page_raw(page, "</section>\n");
}

static void lists(Page *page, const Facts *facts)
{
    open_section(page, "all", "All models",
                 "The worst state first. <b>=</b> same, <b>*</b> differs, <b>!</b> not checked, <b>+</b> only on disk, <b>-</b> "
                 "only in the "
                 "store. Proof: <b class=pm>S</b> the server hashed the payload, <b class=pm>R</b> it was read back and decoded. "
                 "Digests are "
                 "SHA-256, shortened; the whole one shows when you point at it. Times are UTC.");
    table_items(page, facts);
    page_raw(page, "</section>\n");
    if (facts->runs.count > 0) {
        open_section(page, "runs", "Runs", "Who stored them. The lists show the end of a run's id.");
        table_runs(page, facts);
        page_raw(page, "</section>\n");
    }
}

bool inventory_html(const Inventory *inventory, Buf *out, Err *err)
{
    Page page = {.out = out, .err = err};
    Facts facts;
    if (!facts_make(inventory, &facts, err))
        return false;
    head(&page, inventory);
    banner(&page, inventory);
    verdict(&page, inventory, &facts);
    numbers(&page, inventory, &facts);
    if (facts.reasons.count > 0) {
        open_section(&page, "why", inventory->is_cleanup ? "Why models must stay" : "What is not the same", "Grouped by reason.");
        table_reasons(&page, inventory, &facts);
        page_raw(&page, "</section>\n");
    }
    pictures(&page, &facts);
    duplicates(&page, &facts);
    if (inventory->count > 0)
        lists(&page, &facts);
    page_raw(&page, "</main>\n<footer>Made by " PROGRAM_NAME " " PROGRAM_VERSION ". One file: no script, no network.</footer>\n"
                    "</body>\n</html>\n");
    facts_free(&facts);
    return !page.failed;
}
