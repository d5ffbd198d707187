/* nearest.h: which known word did the user mean? No state; any thread.
 *
 *     Nearest nearest = nearest_to("chekc", 5);
 *     for each word: nearest_try(&nearest, word);
 *     nearest.found   "check", or NULL when none is near */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stddef.h>

typedef struct Nearest {
    const char *word;
    size_t len;
    unsigned limit; /* fewer letters than this may differ; a third of the word, or one, at first */
    const char *found;
} Nearest;

Nearest nearest_to(const char *word, size_t len);

/* Counts letters that are missing, too many, other or swapped with their neighbour; the first word of the least count wins. */
void nearest_try(Nearest *nearest, const char *known);

#endif
