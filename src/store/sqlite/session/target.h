/* target.h: an SQLite file as a StoreTarget. */
#ifndef STORE_SQLITE_TARGET_H
#define STORE_SQLITE_TARGET_H

#include "../sqlite.h"

bool sqlite_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err);
void sqlite_target_free(StoreTarget *target);
const char *sqlite_target_file(const StoreTarget *target);
bool sqlite_target_is_missing(const StoreTarget *target);

/* The kind of a file system whose locks other hosts may not see, by its number in statfs(2); NULL for others. *sure false: most of
 * this kind are local. */
const char *sqlite_network_kind(unsigned long type, bool *sure);

/* Makes the file, empty, 0600, when it is not there. ERR_STOP. */
bool sqlite_target_create(const SqliteTarget *target, Err *err);

#endif
