#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"

struct StrMapSlot {
    const char *key;
    uint32_t value;
    uint32_t tag; /* high bits of the hash: most misses are seen without touching the key */
};

/* FNV-1a with a seed and a final mix: short keys, and no need for more. */
static uint64_t hash(uint64_t seed, const char *key)
{
    uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);
    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static struct StrMapSlot *probe(const StrMap *map, const char *key, uint64_t h)
{
    /* The low half of the hash as a fraction of the slots: any number of slots will do. */
    for (uint32_t i = (uint32_t)((h & UINT32_MAX) * map->cap >> 32);; i = i + 1 < map->cap ? i + 1 : 0) {
        struct StrMapSlot *slot = &map->slots[i];
        if (slot->key == NULL || (slot->tag == (uint32_t)(h >> 32) && strcmp(slot->key, key) == 0))
            return slot;
    }
}

uint32_t strmap_get(const StrMap *map, const char *key)
{
    if (map->count == 0)
        return STRMAP_NONE;
    const struct StrMapSlot *slot = probe(map, key, hash(map->seed, key));
    return slot->key == NULL ? STRMAP_NONE : slot->value;
}

static bool resize(StrMap *map, uint64_t cap, Err *err)
{
    StrMap bigger = {.cap = (uint32_t)cap, .count = map->count, .seed = map->seed};
    if (cap > UINT32_MAX)
        return err_no_memory(err);
    if (map->cap == 0)
        bigger.seed = id_random64();
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return err_no_memory(err);
    for (uint32_t i = 0; i < map->cap; i++)
        if (map->slots[i].key != NULL)
            *probe(&bigger, map->slots[i].key, hash(bigger.seed, map->slots[i].key)) = map->slots[i];
    free(map->slots);
    *map = bigger;
    return true;
}

/* At most three quarters of the slots are taken. */
static bool is_full(const StrMap *map)
{
    return map->count >= map->cap - map->cap / 4;
}

bool strmap_reserve(StrMap *map, uint32_t count, Err *err)
{
    uint64_t cap = (uint64_t)count + count / 3 + 2;
    return cap <= map->cap || resize(map, cap, err);
}

bool strmap_add(StrMap *map, const char *key, uint32_t value, uint32_t *existing, Err *err)
{
    if (is_full(map) && !resize(map, map->cap == 0 ? 64 : (uint64_t)map->cap * 2, err))
        return false;
    uint64_t h = hash(map->seed, key);
    struct StrMapSlot *slot = probe(map, key, h);
    if (existing != NULL)
        *existing = slot->key == NULL ? STRMAP_NONE : slot->value;
    if (slot->key != NULL)
        return true;
    *slot = (struct StrMapSlot){.key = key, .value = value, .tag = (uint32_t)(h >> 32)};
    map->count++;
    return true;
}

void strmap_free(StrMap *map)
{
    free(map->slots);
    *map = (StrMap){0};
}
