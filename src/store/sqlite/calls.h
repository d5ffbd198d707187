/* calls.h: the entries of the driver's table; store.h and database.h say what each promises. */
#ifndef STORE_SQLITE_CALLS_H
#define STORE_SQLITE_CALLS_H

#include "sqlite.h"

bool sqlite_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);
bool sqlite_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err);
bool sqlite_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err);
bool sqlite_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err);
bool sqlite_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);
void sqlite_use_digests(Store *store, bool keep);
bool sqlite_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err);
bool sqlite_examine(Store *store, Err *err);
bool sqlite_verify(Store *store, StoreProof *proofs, size_t count, Err *err);
bool sqlite_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err);
bool sqlite_fetch_next(Store *store, const void **data, size_t *len, Err *err);
void sqlite_fetch_close(Store *store);
bool sqlite_batch_begin(Store *store, Err *err);
bool sqlite_put(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool sqlite_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool sqlite_batch_commit(Store *store, StoreOutcome *outcome, Err *err);
void sqlite_batch_rollback(Store *store);
bool sqlite_change_ready(Store *store, Err *err);
bool sqlite_run_begin(Store *store, const StoreRun *run, Err *err);
bool sqlite_run_end(Store *store, const StoreRun *run, Err *err);

bool sqlite_transaction_begin(Store *store, bool write, Err *err);
bool sqlite_transaction_commit(Store *store, StoreOutcome *outcome, Err *err);
bool sqlite_try_lock(Store *store, int64_t lock, bool *taken, Err *err);
bool sqlite_run_script(Store *store, const char *script, size_t *position, Err *err);
bool sqlite_query_text(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx,
                       Err *err);
bool sqlite_step_begin(Store *store, bool write, Err *err);
bool sqlite_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err);
bool sqlite_step_end(Store *store, Err *err);
bool sqlite_has_table(Store *store, const char *identifier, bool *has, Err *err);
bool sqlite_is_blank(Store *store, bool *blank, Err *err);
bool sqlite_inspect(Store *store, bool to_change, Err *err);

#endif
