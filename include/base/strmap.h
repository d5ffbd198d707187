/* strmap.h: finds a 32-bit number by a string. The keys are borrowed: they must outlive the map. Open addressing, seeded hash, so
 * that hostile names cannot make it slow. Readers may share a map that no one changes. 21 to 43 bytes a key. */
#ifndef BASE_STRMAP_H
#define BASE_STRMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define STRMAP_NONE UINT32_MAX

typedef struct StrMap {
    struct StrMapSlot *slots;
    uint32_t count, cap;
    uint64_t seed;
} StrMap;

/* The number of `key`, or STRMAP_NONE. */
uint32_t strmap_get(const StrMap *map, const char *key);

/* Adds `key` unless it is there. *existing (may be NULL) gets the number that the key had, or STRMAP_NONE when it was added. */
bool strmap_add(StrMap *map, const char *key, uint32_t value, uint32_t *existing, Err *err);

/* Makes room for `count` keys at once, and for little more: 21 bytes a key. */
bool strmap_reserve(StrMap *map, uint32_t count, Err *err);

void strmap_free(StrMap *map);

#endif
