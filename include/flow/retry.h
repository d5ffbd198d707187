/* retry.h: patience with a store that is away. Every session of every command is opened here.
 *
 * A try that fails for now (ERR_RETRY) is logged at once: why, which try it was, and the pause before the next one. Pauses grow
 * from 0.2 to 10 seconds, each between half and whole, so that many clients do not come back together. The last failure is
 * ERR_UNREACHABLE. A signal ends a pause within 0.1 seconds (ERR_INTERRUPTED).
 *
 * Once a session of this Retry could write, ERR_READ_ONLY passes, too: a failover shows a standby for a while. Before that it is a
 * mistake in the address, and returned at once.
 *
 * Threads may share a Retry: those that wait at the same time log one line, not one each. */
#ifndef FLOW_RETRY_H
#define FLOW_RETRY_H

#include <stdatomic.h>

#include "store/store.h"

typedef struct Retry {
    const StoreTarget *target;
    unsigned retries;    /* tries in a row after the first one … */
    double wait_seconds; /* … and as many more as begin within this time */
    atomic_bool has_written;
    atomic_int_fast64_t logged_until_ms; /* monotonic: until then a pause that was logged lasts */
} Retry;

/* Failures without a success between them. Starts as {0}; set it to {0} after a success. */
typedef struct RetryRow {
    unsigned failures;
    double since; /* clock_seconds of the first one */
} RetryRow;

/* Opens a session. ERR_UNREACHABLE, ERR_INTERRUPTED, or what store_open says at once. */
bool retry_open(Retry *retry, Store **store, Err *err);

/* Calls step(ctx) with a session in *store, which is opened when it is NULL. After ERR_RETRY the session is closed and the step is
 * called again on a new one, so it must bear that. *store may be NULL after a failure. */
typedef bool (*RetryStep)(void *ctx, Err *err);
bool retry_step(Retry *retry, Store **store, RetryStep step, void *ctx, Err *err);

/* For callers that loop themselves: counts *err as one more failure of the row, logs it and sleeps. True: try again. False: give up
 * with *err, whose class is now ERR_UNREACHABLE if it was transient. */
bool retry_pause(Retry *retry, RetryRow *row, Err *err);

/* The two halves of retry_pause: may the row go on after `*err`? Log and sleep; false and ERR_INTERRUPTED after a signal. */
bool retry_may_go_on(Retry *retry, const RetryRow *row, const Err *err);
void retry_count(RetryRow *row);
bool retry_sleep(Retry *retry, const RetryRow *row, const Err *cause, Err *err);

/* Another session may succeed: ERR_RETRY, and ERR_READ_ONLY once something was written. */
bool retry_is_transient(Retry *retry, const Err *err);

/* A session of this Retry could write. */
void retry_note_write(Retry *retry);

#endif
