/* transaction.h: BEGIN, COMMIT and ROLLBACK. */
#ifndef STORE_SQLITE_TRANSACTION_H
#define STORE_SQLITE_TRANSACTION_H

#include "../sqlite.h"

/* `write` takes the lock of the one writer at once. What the file defines is sound then (guard.h). On failure nothing is open. */
bool sqlite_begin(Sqlite *sq, bool write, Err *err);

bool sqlite_begin_plain(Sqlite *sq, bool write, Err *err); /* without a look at what the file defines; foreign keys are off */

/* The same for rows that are to be put: ERR_SCHEMA without our tables. */
bool sqlite_begin_put(Sqlite *sq, Err *err);

bool sqlite_commit(Sqlite *sq, StoreOutcome *outcome, Err *err);
void sqlite_rollback(Store *store);

bool sqlite_wait_writers(Store *store, Err *err);

#endif
