/* calls.h: the entries of the driver's table that read and write; store.h says what each promises. */
#ifndef STORE_POSTGRES_CALLS_H
#define STORE_POSTGRES_CALLS_H

#include "postgres.h"

bool postgres_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);
bool postgres_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err);
bool postgres_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err);
bool postgres_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err);
bool postgres_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);
void postgres_use_digests(Store *store, bool keep);
bool postgres_wait_writers(Store *store, Err *err);
bool postgres_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err);
bool postgres_verify(Store *store, StoreProof *proofs, size_t count, Err *err);
bool postgres_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err);
bool postgres_fetch_next(Store *store, const void **data, size_t *len, Err *err);
void postgres_fetch_close(Store *store);
bool postgres_batch_begin(Store *store, Err *err);
bool postgres_put(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool postgres_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool postgres_batch_commit(Store *store, StoreOutcome *outcome, Err *err);
bool postgres_change_ready(Store *store, Err *err);
bool postgres_run_begin(Store *store, const StoreRun *run, Err *err);
bool postgres_run_end(Store *store, const StoreRun *run, Err *err);

#endif
