#include "base/vec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 256
#define LARGE_BYTES ((size_t)1024 * 1024)

/* By half; a large array by a quarter, so that a million models do not hold half a million empty ones. */
static size_t next_cap(size_t cap, size_t item_bytes)
{
    if (cap == 0)
        return item_bytes < FIRST_BYTES / 4 ? FIRST_BYTES / item_bytes : 4;
    return cap + (cap < LARGE_BYTES / item_bytes ? cap / 2 + 1 : cap / 4);
}

/* `items` is the address of a pointer of the caller's type, which only memcpy may read as a void pointer. */
static bool resize(void *items, size_t bytes)
{
    void *old, *resized;
    memcpy(&old, items, sizeof old);
    resized = realloc(old, bytes);
    if (resized == NULL)
        return false;
    memcpy(items, &resized, sizeof resized);
    return true; /* cppcheck-suppress memleak */
}

bool vec_grow(void *items, size_t *cap, size_t count, size_t more, size_t item_bytes, Err *err)
{
    if (*cap - count >= more)
        return true;
    size_t most = SIZE_MAX / 2 / item_bytes;
    if (count > most || more > most - count)
        return err_no_memory(err);
    size_t wanted = next_cap(*cap, item_bytes);
    if (wanted < count + more)
        wanted = count + more;
    if (!resize(items, wanted * item_bytes))
        return err_no_memory(err);
    *cap = wanted;
    return true;
}

void vec_shrink(void *items, size_t *cap, size_t count, size_t item_bytes)
{
    if (count > 0 && count < *cap && resize(items, count * item_bytes))
        *cap = count;
}
