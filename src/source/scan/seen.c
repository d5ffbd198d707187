#include "seen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool seen_add(Seen *seen, uint64_t dev, uint64_t ino, const char *path, const char **first, Err *err)
{
    char key[40];
    int len = snprintf(key, sizeof key, "%" PRIx64 ":%" PRIx64, dev, ino);
    uint32_t known = strmap_get(&seen->numbers, key);
    *first = known != STRMAP_NONE ? seen->paths.items[known] : NULL;
    if (known != STRMAP_NONE)
        return true;
    const char *kept_key = arena_copy(&seen->arena, key, (size_t)len, err);
    const char *kept_path = kept_key == NULL ? NULL : arena_copy(&seen->arena, path, strlen(path), err);
    if (kept_path == NULL || !vec_reserve(&seen->paths, 1, err) ||
        !strmap_add(&seen->numbers, kept_key, (uint32_t)seen->paths.count, NULL, err))
        return false;
    seen->paths.items[seen->paths.count++] = kept_path;
    return true;
}

void seen_free(Seen *seen)
{
    strmap_free(&seen->numbers);
    free(seen->paths.items);
    arena_free(&seen->arena);
    *seen = (Seen){0};
}
