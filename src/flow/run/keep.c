#include "keep.h"

#include <stdlib.h>

#include "base/vec.h"

bool keep_add(Keep *keep, const StoredModel *row, Spool *payload, Err *err)
{
    const StoredModel *before = keep->count > 0 ? &keep->items[keep->count - 1].row : NULL;
    StoredModel copy;
    if (!stored_model_copy(&keep->strings, row, before, &copy, err))
        return false;
    KeptRow *kept = vec_push(keep, err);
    if (kept == NULL)
        return false;
    kept->row = copy;
    spool_take(payload, &kept->payload);
    keep->memory_bytes += kept->payload.memory.cap;
    keep->has_file = keep->has_file || kept->payload.spilled;
    return true;
}

static bool put_those(Keep *keep, Store *store, bool chunked, Err *err)
{
    for (size_t i = 0; i < keep->count; i++) {
        KeptRow *kept = &keep->items[i];
        if ((kept->row.chunk_count > 0) == chunked && !store_put(store, &kept->row, &kept->payload, err))
            return false;
    }
    return true;
}

bool keep_put(Keep *keep, Store *store, Err *err)
{
    return put_those(keep, store, true, err) && put_those(keep, store, false, err);
}

bool keep_is_full(const Keep *keep, size_t memory_limit)
{
    return keep->has_file || keep->memory_bytes >= memory_limit;
}

void keep_clear(Keep *keep)
{
    for (size_t i = 0; i < keep->count; i++)
        spool_free(&keep->items[i].payload);
    arena_free(&keep->strings);
    keep->count = keep->memory_bytes = 0;
    keep->has_file = false;
}

void keep_free(Keep *keep)
{
    keep_clear(keep);
    free(keep->items);
    *keep = (Keep){0};
}
