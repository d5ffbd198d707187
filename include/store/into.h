/* into.h: a table of somebody else's as the store. */
#ifndef STORE_INTO_H
#define STORE_INTO_H

#include "store/store.h"

/* Right behind store_target_new: the store is the table SCHEMA.TABLE[:DATA[:ID]] of that database, each of whose rows may hold one
 * directory as a tar. The key of a row is `bertopic_model_` and the first eight digits of its UUID, version 1. store_list,
 * store_find, store_verify and store_fetch_… read each row whole and give it as this program would have packed it; store_put fills
 * a row that has nothing, and no other. ERR_USAGE; the target is then only to be freed. */
bool store_target_into(StoreTarget *target, const char *table, Err *err);

/* Tables of that kind in the database of a store that is none itself, as one text for people; with none, nothing is added. */
bool store_other_tables(Store *store, Buf *names, Err *err);

#endif
