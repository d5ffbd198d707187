/* pickles.h: what the rows of a store say of readers that call pickle.loads. */
#ifndef STORE_PICKLES_H
#define STORE_PICKLES_H

#include "store/store.h"

/* foreign: another program wrote a row of this name, and it begins as a pickle; else a row of it has the format pickle. Borrowed.
 * */
typedef bool (*StorePickleFn)(void *ctx, const char *name, bool foreign, Err *err);

/* The names of which a row is loaded with pickle.loads; a name may come more than once. One read-only query, which reads the first
 * bytes of other programs' payloads. No table = no names. */
bool store_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err);

#endif
