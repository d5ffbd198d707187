/* lines_audit.c: what `check` and `cleanup` print. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "line.h"
#include "totals.h"

JsonLine *item_line_begin(const Inventory *inventory, const InventoryItem *item)
{
    const char letter[2] = {item->letter, '\0'};
    ModelLine model = model_line_of_row(item->row);
    model.status = inventory_state(inventory, item);
    model.path = item->path;
    model.name = item->name;
    model.version = item->version;
    model.reason = item->reason;
    model.raw_bytes = item->raw_bytes;
    JsonLine *line = model_line_begin(&model);
    json_add_row(line, item->row);
    json_line_string(line, "letter", letter);
    json_line_bool(line, "stored", item->row != NULL);
    json_line_bool(line, "older", item->is_older);
    json_line_bool(line, "store_proof", item->store_proof);
    json_line_bool(line, "download_proof", item->download_proof);
    if (inventory->is_cleanup)
        json_line_bool(line, "can_go", item->can_go);
    return line;
}

static bool items_json(const Lines *lines, const Inventory *inventory, Err *err)
{
    for (size_t i = 0; i < inventory->count; i++)
        if (!line_end(item_line_begin(inventory, &inventory->items[i]), lines, err))
            return false;
    return true;
}

/* --- check ------------------------------------------------------------------------------------------------------------------- */

static bool check_json(const Lines *lines, const CheckSummary *summary, Err *err)
{
    JsonLine *line = summary_begin(lines);
    json_line_int(line, "same", (int64_t)summary->same);
    json_line_int(line, "only_on_disk", (int64_t)summary->only_on_disk);
    json_line_int(line, "only_in_store", (int64_t)summary->only_in_store);
    json_line_int(line, "differ", (int64_t)summary->differ);
    json_line_int(line, "unchecked", (int64_t)summary->unchecked);
    json_line_int(line, "older", (int64_t)summary->older);
    json_line_int(line, "same_bytes", (int64_t)summary->same_bytes);
    return summary_end(line, lines, summary->exit_code, err);
}

/* letter path  name@version  reason */
static void check_item(FILE *out, const InventoryItem *item)
{
    fprintf(out, "%c ", item->letter);
    if (item->path == NULL) {
        print_key(out, item->name, item->version);
    } else {
        print_escaped(out, item->path);
        if (item->version >= 0) {
            fputs("  ", out);
            print_key(out, item->name, item->version);
        }
    }
    if (item->reason != NULL) {
        fputs("  ", out);
        print_escaped(out, item->reason);
    }
    fputc('\n', out);
}

static void check_total(FILE *out, const CheckSummary *summary)
{
    char bytes[24];
    fprintf(out,
            "= %llu same, + %llu only on disk, - %llu only in the store, * %llu differ, ! %llu not checked; %s the same",
            (unsigned long long)summary->same, (unsigned long long)summary->only_on_disk,
            (unsigned long long)summary->only_in_store, (unsigned long long)summary->differ,
            (unsigned long long)summary->unchecked, text_bytes(bytes, summary->same_bytes));
    if (summary->older > 0)
        fprintf(out, "; %llu older version%s in the store", (unsigned long long)summary->older, summary->older == 1 ? "" : "s");
    fputc('\n', out);
}

bool lines_check(const Lines *lines, const Inventory *inventory, const CheckSummary *summary, Err *err)
{
    if (lines->json)
        return items_json(lines, inventory, err) && left_out_json(lines, err) && check_json(lines, summary, err);
    for (size_t i = 0; i < inventory->count; i++) {
        const InventoryItem *item = &inventory->items[i];
        if (!lines->verbose && (item->letter == '=' || item->is_older))
            continue;
        if (!lines_ready(lines, err))
            return false;
        check_item(lines->out, item);
    }
    if (!left_out_paths(lines, err))
        return false;
    if (!lines->quiet)
        check_total(lines->out, summary);
    return (lines->quiet || left_out_lines(lines, false, err)) && lines_written(lines, err);
}

/* --- cleanup: the report ----------------------------------------------------------------------------------------------------- */

typedef struct Part {
    unsigned long long count;
    uint64_t bytes;
} Part;

/* parts[1]: what may go. */
static void add_up(const Inventory *inventory, Part parts[2])
{
    for (size_t i = 0; i < inventory->count; i++) {
        Part *part = &parts[inventory->items[i].can_go];
        part->count++;
        part->bytes += inventory->items[i].raw_bytes;
    }
}

static bool cleanup_json(const Lines *lines, const Inventory *inventory, const Part parts[2], int exit_code, Err *err)
{
    if (!items_json(lines, inventory, err) || !left_out_json(lines, err))
        return false;
    JsonLine *line = summary_begin(lines);
    json_line_int(line, "can_go", (int64_t)parts[1].count);
    json_line_int(line, "can_go_bytes", (int64_t)parts[1].bytes);
    json_line_int(line, "must_stay", (int64_t)parts[0].count);
    json_line_int(line, "must_stay_bytes", (int64_t)parts[0].bytes);
    return summary_end(line, lines, exit_code, err);
}

static void say_can_go(FILE *out, const InventoryItem *item)
{
    char when[25], raw[24];
    clock_iso(when, item->row->created_ns);
    fputs("  ", out);
    print_escaped(out, item->path);
    fputs("  is ", out);
    print_key(out, item->name, item->version);
    fprintf(out, ", %s, stored %.10s by run %s", text_bytes(raw, item->raw_bytes), when,
            item->row->run_id[0] != '\0' ? item->row->run_id : "unknown");
    fputs(item->reason != NULL ? "; " : "", out);
    print_escaped(out, item->reason != NULL ? item->reason : "");
    putc('\n', out);
}

static void say_must_stay(FILE *out, const InventoryItem *item)
{
    fputs("  ", out);
    print_escaped(out, item->path);
    fputs(": ", out);
    print_escaped(out, item->reason != NULL ? item->reason : "");
    fputc('\n', out);
}

/* The items that may go, or those that must stay. */
static bool say_part(const Lines *lines, const Inventory *inventory, bool can_go, Err *err)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const InventoryItem *item = &inventory->items[i];
        if (item->can_go != can_go)
            continue;
        if (!lines_ready(lines, err))
            return false;
        if (can_go)
            say_can_go(lines->out, item);
        else
            say_must_stay(lines->out, item);
    }
    return true;
}

static bool cleanup_text(const Lines *lines, const Inventory *inventory, const Part parts[2], Err *err)
{
    char text[24];
    FILE *out = lines->out;
    if (parts[1].count > 0)
        fputs("May go: stored, proven by the database, read back and decoded just now\n", out);
    if (!say_part(lines, inventory, true, err))
        return false;
    if (parts[0].count > 0)
        fputs("Must stay:\n", out);
    if (!say_part(lines, inventory, false, err))
        return false;
    fprintf(out, "%llu may go (%s)", parts[1].count, text_bytes(text, parts[1].bytes));
    fprintf(out, ", %llu must stay (%s); nothing was deleted\n", parts[0].count, text_bytes(text, parts[0].bytes));
    if (!left_out_paths(lines, err) || !left_out_lines(lines, false, err))
        return false;
    if (lines->next_command != NULL && parts[1].count > 0)
        fprintf(out, "To remove what may go, each after its proof:\n  %s\n", lines->next_command);
    return true;
}

bool lines_cleanup(const Lines *lines, const Inventory *inventory, int exit_code, Err *err)
{
    Part parts[2] = {{0}, {0}};
    add_up(inventory, parts);
    if (lines->json)
        return cleanup_json(lines, inventory, parts, exit_code, err);
    return (lines->quiet || cleanup_text(lines, inventory, parts, err)) && lines_written(lines, err);
}

/* --- cleanup: the plan executed ---------------------------------------------------------------------------------------------- */

bool lines_removed(const Lines *lines, const char *path, const StoredModel *row, const char *why, Err *err)
{
    if (lines->json) {
        ModelLine model = model_line_of_row(row);
        model.status = why == NULL ? "removed" : "stays";
        model.path = path;
        model.reason = why;
        JsonLine *line = model_line_begin(&model);
        json_line_bool(line, "removed", why == NULL);
        return line_end(line, lines, err);
    }
    if (why == NULL && lines->quiet)
        return true;
    if (!lines_ready(lines, err))
        return false;
    fputs(why == NULL ? "removed  " : "stays    ", lines->out);
    print_escaped(lines->out, path);
    if (why != NULL) {
        fputs(": ", lines->out);
        print_escaped(lines->out, why);
    }
    fputc('\n', lines->out);
    return true;
}

bool lines_removal_summary(const Lines *lines, const RemovalSummary *summary, Err *err)
{
    char bytes[24];
    if (lines->json) {
        JsonLine *line = summary_begin(lines);
        json_line_int(line, "removed", (int64_t)summary->removed);
        json_line_int(line, "removed_bytes", (int64_t)summary->removed_bytes);
        json_line_int(line, "kept", (int64_t)summary->kept);
        return summary_end(line, lines, summary->exit_code, err);
    }
    if (!lines->quiet)
        fprintf(lines->out, "%llu removed (%s)%s, %llu stay\n", (unsigned long long)summary->removed,
                text_bytes(bytes, summary->removed_bytes), summary->to_trash ? " to the trash" : "",
                (unsigned long long)summary->kept);
    return lines_written(lines, err);
}
