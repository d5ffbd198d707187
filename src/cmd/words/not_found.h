/* not_found.h: what is said of a reference to a model that names no row. */
#ifndef CMD_WORDS_NOT_FOUND_H
#define CMD_WORDS_NOT_FOUND_H

#include "store/store.h"

/* Fills *err (ERR_STOP) and returns false: the name is not stored, with the nearest one that is; it has other versions; or none of
 * its versions is active. version: NULL = any. `reference` is what the user wrote. Asks the store, whose error goes first. */
bool refuse_not_found(Store *store, const char *reference, const char *name, const int32_t *version, Err *err);

#endif
