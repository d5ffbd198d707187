#include "write.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_PART 12 /* shorter parts of a name stay together; browsers break behind a hyphen themselves */

void page_raw(Page *page, const char *html)
{
    if (!page->failed)
        page->failed = !buf_text(page->out, html, page->err);
}

void page_format(Page *page, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!page->failed && (len < 0 || (size_t)len >= sizeof text))
        page->failed = !err_set(page->err, ERR_BUG, "a part of the page is too long");
    page_raw(page, text);
}

/* Well-formed UTF-8 without control and deceptive characters, malloc'd. */
static char *printable(Page *page, const char *text)
{
    size_t len = strlen(text);
    char *out = page->failed ? NULL : malloc(4 * len + 1);
    if (out == NULL && !page->failed)
        page->failed = !err_no_memory(page->err);
    if (out != NULL)
        text_escape(out, 4 * len + 1, text, len);
    return out;
}

static const char *entity(char c)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

/* `text` is printable already. */
static void add_escaped(Page *page, const char *text, size_t len)
{
    size_t done = 0;
    for (size_t i = 0; i < len && !page->failed; i++) {
        const char *replacement = entity(text[i]);
        if (replacement == NULL)
            continue;
        page->failed = !buf_append(page->out, text + done, i - done, page->err);
        page_raw(page, replacement);
        done = i + 1;
    }
    if (!page->failed)
        page->failed = !buf_append(page->out, text + done, len - done, page->err);
}

/* Where the character number `index` begins. */
static size_t offset_of(const char *text, size_t index)
{
    size_t i = 0;
    for (; text[i] != '\0'; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && index-- == 0)
            break;
    return i;
}

/* The first `head` and the last `tail` characters, with an ellipsis between them; all of it when it is no longer than that and one.
 */
static void add_cut(Page *page, const char *text, size_t head, size_t tail)
{
    char *plain = printable(page, text != NULL ? text : "\xe2\x80\x93");
    if (plain == NULL)
        return;
    size_t len = strlen(plain), characters = text_utf8_length(plain, len);
    if (characters <= head + tail || characters - head - tail <= 1) {
        add_escaped(page, plain, len);
    } else {
        size_t end = offset_of(plain, head), start = offset_of(plain, characters - tail);
        add_escaped(page, plain, end);
        page_raw(page, "\xe2\x80\xa6");
        add_escaped(page, plain + start, len - start);
    }
    free(plain);
}

void page_text(Page *page, const char *text)
{
    add_cut(page, text, SIZE_MAX / 4, 0);
}

void page_name(Page *page, const char *text)
{
    char *plain = printable(page, text != NULL ? text : "\xe2\x80\x93");
    if (plain == NULL)
        return;
    const char *at = plain;
    for (const char *c = plain; *c != '\0'; c++) {
        if (strchr("/_.", *c) == NULL || c[1] == '\0' || c - at < LINE_PART)
            continue;
        add_escaped(page, at, (size_t)(c + 1 - at));
        page_raw(page, "<wbr>");
        at = c + 1;
    }
    add_escaped(page, at, strlen(at));
    free(plain);
}

void page_label(Page *page, const char *text, size_t most)
{
    size_t head = most / 3;
    add_cut(page, text, head, most - head - 1);
}

void page_tail(Page *page, const char *text, size_t most)
{
    add_cut(page, text, 0, most);
}

void page_count(Page *page, uint64_t count)
{
    char digits[24], out[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    page_raw(page, out);
}

void page_counted(Page *page, uint64_t count, const char *one, const char *many)
{
    page_count(page, count);
    page_format(page, " %s", count == 1 ? one : many);
}

void page_bytes(Page *page, uint64_t bytes)
{
    char text[24];
    page_raw(page, text_bytes(text, bytes));
}

void page_time(Page *page, int64_t real_ns)
{
    char iso[25] = "";
    if (real_ns == 0) {
        page_raw(page, "\xe2\x80\x93");
        return;
    }
    clock_iso(iso, real_ns);
    page_format(page, "%.10s %.5s", iso, iso + 11);
}

void page_row_name(Page *page, const InventoryItem *item, size_t most)
{
    if (most == 0)
        page_name(page, item->name);
    else
        page_label(page, item->name, most);
    if (item->version >= 0)
        page_format(page, "@%" PRId32, item->version);
}

double page_percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part >= whole ? 100 : 100.0 * (double)part / (double)whole;
}

static const struct {
    const char *class, *title, *note;
} kinds[KIND_COUNT] = {
    [KIND_DAMAGED] = {"kx", "Damaged in the store",
                      "The stored payload is not what was stored. A local file may be the only good copy: keep it."},
    [KIND_DIFFERS] = {"kd", "Differs", "The tree and the store have different content."},
    [KIND_UNCHECKED] = {"ku", "Could not be checked", "It could not be read, here or in the store."},
    [KIND_ONLY_DISK] = {"kn", "Only on disk", "The store does not have it. The next run stores it."},
    [KIND_STAYS] = {"ks", "Stored, but must stay", "The content is in the store, but something in the proof is missing."},
    [KIND_ONLY_STORE] = {"ko", "Only in the store", "Not on this disk."},
    [KIND_CAN_GO] = {"kg", "Can go", "Stored and proven: the file, the payload and their hashes agree."},
    [KIND_SAME] = {"kg", "Same", "The tree and the store agree."},
    [KIND_OLDER] = {"kh", "Earlier versions", "History in the store of names that the tree has."},
};

const char *kind_class(Kind kind) { return kinds[kind].class; }
const char *kind_title(Kind kind) { return kinds[kind].title; }
const char *kind_note(Kind kind) { return kinds[kind].note; }
