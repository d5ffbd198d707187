/* series.h: names that differ in a time only are one model, trained again and again. No state; any thread. */
#ifndef MODEL_SERIES_H
#define MODEL_SERIES_H

#include <stdbool.h>
#include <stddef.h>

/* True: a component of the name ends in a time (a date, perhaps with a time of day; seconds since 1970 or a fraction of them).
 * *key: the name with every time replaced, the same for all members of the series; *when: the digits of the times, in the order of
 * which the members sort. cap: bytes of each; False when the name does not fit. */
bool series_split(const char *name, char *key, char *when, size_t cap);

#endif
