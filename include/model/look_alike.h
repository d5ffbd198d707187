/* look_alike.h: names that a person takes for the same. No state; any thread. */
#ifndef MODEL_LOOK_ALIKE_H
#define MODEL_LOOK_ALIKE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LookAlike {
    LOOK_ALIKE_CASE, /* the same but for the case of letters */
    LOOK_ALIKE_MARKS /* the same but for composed (NFC) and decomposed (NFD) letters */
} LookAlike;

/* Names with the same key look alike. name: UTF-8. False: it does not fit into cap. */
bool look_alike_key(const char *name, LookAlike kind, char *key, size_t cap);

/* Names with the same key for LOOK_ALIKE_MARKS are twins only when one is decomposed and the other is not. */
bool look_alike_is_decomposed(const char *name);

/* Can a name look like another one at all? Most cannot. */
bool look_alike_possible(const char *name, LookAlike kind);

#endif
