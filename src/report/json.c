#include "report/inventory.h"

#include "base/interrupt.h"
#include "line.h"

bool inventory_json(const Inventory *inventory, Buf *out, Err *err)
{
    JsonLine *line = json_line_begin("inventory");
    json_line_string(line, "title", inventory->title);
    json_line_string(line, "models_dir", inventory->models_dir);
    json_line_string(line, "store", inventory->store);
    json_line_string(line, "host", inventory->host);
    json_add_time(line, "made_at", inventory->made_ns);
    json_line_bool(line, "is_cleanup", inventory->is_cleanup);
    json_line_int(line, "older", (int64_t)inventory->older);
    if (inventory->left_out != NULL)
        left_out_keys(line, inventory->left_out);
    json_line_int(line, "count", (int64_t)inventory->count);
    if (!json_line_append(line, out, err))
        return false;
    /* One line for each item, and never the whole report in objects: before the closing brace the array is put. */
    out->len--;
    if (!buf_text(out, ",\"items\":[", err))
        return false;
    for (size_t i = 0; i < inventory->count; i++)
        if (!interrupt_check(err) || !buf_text(out, i > 0 ? ",\n" : "\n", err) ||
            !json_line_append(item_line_begin(inventory, &inventory->items[i]), out, err))
            return false;
    return buf_text(out, "\n]}\n", err);
}
