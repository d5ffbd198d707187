/* lock.h: one run at a time for one store on one host. The kernel frees the lock when the process ends, however it ends. */
#ifndef STATE_LOCK_H
#define STATE_LOCK_H

#include "base/err.h"

typedef struct RunLock {
    int fd; /* -1 when not held */
} RunLock;

/* ERR_LOCKED names the holder: pid, host, since when. `run_id` and our pid go into the file for the next one to read. */
bool lock_take(const char *path, const char *run_id, RunLock *out, Err *err);
void lock_release(RunLock *lock);

#endif
