/* odd.h: rows of other programs that no command can work with, because they have no name or a version that is no number from 0 to
 * 2^31-1. They are named, and the command goes on; but where readers get such a row, nothing may be said to be what they get. */
#ifndef FLOW_ODD_H
#define FLOW_ODD_H

#include "store/store.h"

typedef struct OddRow {
    const char *name; /* "" = none, or none in UTF-8 */
    const char *text; /* "id 17: its version is NULL, …" */
    bool is_newest;   /* StoreOdd.is_newest */
    bool is_live;     /* … and active: readers of the name get it */
} OddRow;

/* By name. Zero-initialise; the strings are in the arena. */
typedef struct OddRows {
    OddRow *items;
    size_t count, cap;
    Arena arena;
} OddRows;

/* The rows of one name, NULL = of all. What *rows held before is forgotten. */
bool odd_rows_list(Store *store, const char *name, OddRows *rows, Err *err);
void odd_rows_free(OddRows *rows);

/* A warning for each of the first ones, and how many more there are; those with LOG_INFO. */
void odd_rows_warn(const OddRows *rows);

/* The row that readers of this name get instead of any version; NULL = none. */
const OddRow *odd_rows_live(const OddRows *rows, const char *name);

#endif
