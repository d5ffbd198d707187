/* inventory_page.h: how the HTML page is written; for inventory*.c only. The first failure is kept and all later calls do nothing,
 * so that the callers read like a list. What comes from data goes through page_text, page_label or page_tail, and never into a
 * style, a link or a tag. */
#ifndef REPORT_HTML_WRITE_H
#define REPORT_HTML_WRITE_H

#include "../totals.h"

typedef struct Page {
    Buf *out;
    Err *err;
    bool failed;
} Page;

extern const char inventory_style[]; /* style.c: the style sheet */

void page_raw(Page *page, const char *html); /* our own words */
void page_format(Page *page, const char *format, ...) __attribute__((format(printf, 2, 3))); /* our own words and numbers */

void page_text(Page *page, const char *text); /* hostile: escaped for text and for quoted attributes; NULL is a dash */
void page_label(Page *page, const char *text, size_t most); /* the same, shortened in the middle to so many characters */
void page_tail(Page *page, const char *text, size_t most);  /* the same, the last characters behind an ellipsis */

/* A path or a name, as text between tags: it breaks behind its separators and not in the middle of a word. */
void page_name(Page *page, const char *text);

void page_count(Page *page, uint64_t count);    /* 12,345 */
void page_counted(Page *page, uint64_t count, const char *one, const char *many); /* "1 model", "12,345 models" */
void page_bytes(Page *page, uint64_t bytes);    /* 12.3 MiB */
void page_time(Page *page, int64_t real_ns);    /* 2026-03-01 12:00 in UTC; 0 is a dash */
void page_row_name(Page *page, const InventoryItem *item, size_t most); /* name@version; most 0 = whole */

/* Parts of a whole, 0..100; 0 of 0 is 0. */
double page_percent(uint64_t part, uint64_t whole);

const char *kind_class(Kind kind); /* of the style sheet */
const char *kind_title(Kind kind);
const char *kind_note(Kind kind);  /* what it means and what to do */

/* charts.c */
void chart_kinds(Page *page, const Facts *facts);
void chart_types(Page *page, const Facts *facts);
void chart_series(Page *page, const Facts *facts);
void chart_share(Page *page, uint64_t part, uint64_t whole); /* a small bar; decoration */

/* treemap.c */
void chart_treemap(Page *page, const Facts *facts);

/* tables.c */
void table_reasons(Page *page, const Inventory *inventory, const Facts *facts);
void table_copies(Page *page, const Facts *facts);
void table_items(Page *page, const Facts *facts);
void table_runs(Page *page, const Facts *facts);

#endif
