#include "report/inventory.h"

#include "base/clock.h"
#include "port/json.h"
#include "totals.h"

static void add_time(JsonLine *line, const char *key, int64_t real_ns)
{
    char iso[25];
    clock_iso(iso, real_ns);
    json_line_string(line, key, real_ns != 0 ? iso : NULL);
}

static void add_digest(JsonLine *line, const char *key, const Digest *digest)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(digest, hex);
    json_line_string(line, key, hex);
}

static void add_row(JsonLine *line, const InventoryItem *item)
{
    json_line_int(line, "stored_bytes", (int64_t)item->row->stored_bytes);
    add_digest(line, "content_sha256", &item->row->content);
    add_digest(line, "stored_sha256", &item->row->stored);
    add_time(line, "created_at", item->row->created_ns);
    json_line_string(line, "run_id", item->row->run_id[0] != '\0' ? item->row->run_id : NULL);
    json_line_bool(line, "server_proof", item->server_proof);
    json_line_bool(line, "download_proof", item->download_proof);
}

static bool add_item(Buf *out, const Inventory *inventory, const InventoryItem *item, Err *err)
{
    const char letter[2] = {item->letter, '\0'};
    JsonLine *line = json_line_begin("model");
    json_line_string(line, "letter", letter);
    json_line_string(line, "state", inventory_state(inventory, item));
    json_line_string(line, "path", item->path);
    json_line_string(line, "name", item->name);
    if (item->version >= 0)
        json_line_int(line, "version", item->version);
    else
        json_line_string(line, "version", NULL);
    json_line_string(line, "model_type", item_type(item));
    json_line_string(line, "reason", item->reason);
    if (inventory->is_cleanup)
        json_line_bool(line, "can_go", item->can_go);
    json_line_int(line, "raw_bytes", (int64_t)item->raw_bytes);
    json_line_bool(line, "stored", item->row != NULL);
    if (item->row != NULL)
        add_row(line, item);
    return json_line_append(line, out, err);
}

bool inventory_json(const Inventory *inventory, Buf *out, Err *err)
{
    JsonLine *line = json_line_begin("inventory");
    json_line_string(line, "title", inventory->title);
    json_line_string(line, "models_dir", inventory->models_dir);
    json_line_string(line, "store", inventory->store);
    json_line_string(line, "host", inventory->host);
    add_time(line, "made_at", inventory->made_ns);
    json_line_bool(line, "is_cleanup", inventory->is_cleanup);
    json_line_int(line, "older", (int64_t)inventory->older);
    json_line_int(line, "count", (int64_t)inventory->count);
    if (!json_line_append(line, out, err))
        return false;
    /* One line for each item, and never the whole report in objects: before the closing brace the array is put. */
    out->len--;
    if (!buf_text(out, ",\"items\":[", err))
        return false;
    for (size_t i = 0; i < inventory->count; i++)
        if (!buf_text(out, i > 0 ? ",\n" : "\n", err) || !add_item(out, inventory, &inventory->items[i], err))
            return false;
    return buf_text(out, "\n]}\n", err);
}
