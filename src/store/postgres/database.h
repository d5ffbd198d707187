/* database.h: the entries of the driver's table for store/database.h, which says what each promises. */
#ifndef STORE_POSTGRES_DATABASE_H
#define STORE_POSTGRES_DATABASE_H

#include "postgres.h"

bool postgres_transaction_begin(Store *store, bool write, Err *err);
bool postgres_transaction_commit(Store *store, StoreOutcome *outcome, Err *err);
bool postgres_try_lock(Store *store, int64_t lock, bool *taken, Err *err);
bool postgres_run_script(Store *store, const char *script, size_t *position, Err *err);
bool postgres_query_text(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx,
                         Err *err);
bool postgres_step_begin(Store *store, bool write, Err *err);
bool postgres_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err);
bool postgres_step_end(Store *store, Err *err);
bool postgres_has_table(Store *store, const char *identifier, bool *has, Err *err);
bool postgres_inspect(Store *store, bool to_change, Err *err);

#endif
