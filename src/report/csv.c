#include "report/inventory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/text.h"
#include "port/csvfile.h"
#include "totals.h"

static const char header[] =
    "letter,status,path,name,version,model_type,reason,can_go,raw_bytes,stored_bytes,content_sha256,stored_sha256,"
    "created_at,run_id,store_proof,download_proof\n";

/* A comma, then the field; NULL is an empty one without quotes. What is not plain is escaped, so that a row is a line. */
static bool add_text(Buf *out, const char *text, Err *err)
{
    if (!buf_append(out, ",", 1, err) || text == NULL)
        return text == NULL;
    size_t len = strlen(text);
    if (!text_has_control(text, len)) /* true as well for what is not UTF-8 */
        return csvfile_field(out, text, len, err);
    char *plain = malloc(4 * len + 1);
    if (plain == NULL)
        return err_no_memory(err);
    text_escape(plain, 4 * len + 1, text, len);
    bool ok = csvfile_field(out, plain, strlen(plain), err);
    free(plain);
    return ok;
}

static bool add_digest(Buf *out, const Digest *digest, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    bool known = digest != NULL && digest_is_known(digest);
    if (known)
        digest_hex(digest, hex);
    return add_text(out, known ? hex : NULL, err);
}

static bool add_row_facts(Buf *out, const InventoryItem *item, Err *err)
{
    char created[25];
    const StoredModel *row = item->row;
    if (row != NULL ? !buf_format(out, err, ",%" PRIu64, row->stored_bytes) : !buf_append(out, ",", 1, err))
        return false;
    if (!add_digest(out, row != NULL ? &row->content : NULL, err) || !add_digest(out, row != NULL ? &row->stored : NULL, err))
        return false;
    bool has_time = row != NULL && row->created_ns != 0;
    if (has_time)
        clock_iso(created, row->created_ns);
    return add_text(out, has_time ? created : NULL, err) &&
           add_text(out, row != NULL && row->run_id[0] != '\0' ? row->run_id : NULL, err) &&
           buf_format(out, err, ",%c,%c\n", item->store_proof ? 't' : 'f', item->download_proof ? 't' : 'f');
}

static bool add_item(Buf *out, const Inventory *inventory, const InventoryItem *item, Err *err)
{
    if (!csvfile_field(out, &item->letter, 1, err) || !add_text(out, inventory_state(inventory, item), err) ||
        !add_text(out, item->path, err) || !add_text(out, item->name, err))
        return false;
    if (item->version >= 0 ? !buf_format(out, err, ",%" PRId32, item->version) : !buf_append(out, ",", 1, err))
        return false;
    const char *can_go = inventory->is_cleanup ? (item->can_go ? ",t" : ",f") : ",";
    return add_text(out, item_type(item), err) && add_text(out, item->reason, err) &&
           buf_format(out, err, "%s,%" PRIu64, can_go, item->raw_bytes) && add_row_facts(out, item, err);
}

bool inventory_csv(const Inventory *inventory, Buf *out, Err *err)
{
    if (!buf_text(out, header, err))
        return false;
    for (size_t i = 0; i < inventory->count; i++)
        if (!interrupt_check(err) || !add_item(out, inventory, &inventory->items[i], err))
            return false;
    return true;
}
