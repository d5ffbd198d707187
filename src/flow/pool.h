/* pool.h: the same step for many items, by several threads. */
#ifndef FLOW_POOL_H
#define FLOW_POOL_H

#include <stdint.h>

#include "base/err.h"

/* What a worker keeps between items: `start` makes it in the worker's thread (NULL and *err = failure), `stop` frees it (NULL
 * allowed). */
typedef struct PoolJob {
    void *(*start)(void *shared, Err *err);
    bool (*item)(void *shared, void *own, uint32_t index, Err *err);
    void (*stop)(void *own);
    void *shared;
} PoolJob;

/* Calls job->item once for each index below `count`, in rising order of start, with at most `threads` threads (at least one). The
 * first error stops all and is returned; a signal ends it with ERR_INTERRUPTED. All threads have ended when it returns. */
bool pool_run(unsigned threads, uint32_t count, const PoolJob *job, Err *err);

#endif
