/* vec.h: typed growing arrays over one grow function; the only caller of realloc. No state; any thread.
 *
 *     typedef VEC(Piece) Pieces;          zero-initialise, free(pieces.items)
 *     Piece *piece = vec_push(&pieces, err);
 *
 * The macros take any struct with the members items, count and cap, and use `vec` several times: name a variable. An array whose
 * members have other names calls vec_grow itself. Growing moves the items: pointers into them are void afterwards. */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define VEC(Type) \
    struct { \
        Type *items; \
        size_t count, cap; \
    }

/* One more item, not initialised; NULL and *err (ERR_STOP) when memory ends: the array is then as before. */
#define vec_push(vec, err) (vec_reserve((vec), 1, (err)) ? &(vec)->items[(vec)->count++] : NULL)

/* Room for `more` items behind count. */
#define vec_reserve(vec, more, err) vec_grow(&(vec)->items, &(vec)->cap, (vec)->count, (more), sizeof *(vec)->items, (err))

/* Gives spare room back, where the allocator does. */
#define vec_fit(vec) vec_shrink(&(vec)->items, &(vec)->cap, (vec)->count, sizeof *(vec)->items)

/* Makes room for count + more items of item_bytes. `items`: the address of the pointer to them (any type of object pointer), which
 * may be NULL at first. Each growth adds at least a quarter, so that n pushes cost O(n). */
bool vec_grow(void *items, size_t *cap, size_t count, size_t more, size_t item_bytes, Err *err);
void vec_shrink(void *items, size_t *cap, size_t count, size_t item_bytes);

#endif
