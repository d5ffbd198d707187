/* runs_from.h: which runs stored from one host and folder. */
#ifndef STORE_RUNS_FROM_H
#define STORE_RUNS_FROM_H

#include "store/store.h"

/* run_id: borrowed until it returns. */
typedef bool (*StoreRunFn)(void *ctx, const char *run_id, Err *err);

/* The runs of this host from this folder, in no order. Not inside begin … commit or fetch_open … fetch_close. */
bool store_runs_from(Store *store, const char *host, const char *models_dir, StoreRunFn fn, void *ctx, Err *err);

#endif
