/* restore.h: rows of CSV backups back into a store. Idempotent: a row that is there with the same content is passed over, one with
 * other content is a conflict and stays as it is. A pass that fails for now (connection, another writer) is made again from the
 * start. */
#ifndef FLOW_RESTORE_H
#define FLOW_RESTORE_H

#include "flow/retry.h"

typedef struct RestoreSettings {
    const char *backup; /* a run's folder, or a folder of such folders */
    Retry *retry;
    const char *state_dir;
    uint64_t batch_rows, batch_bytes, max_memory;
} RestoreSettings;

typedef struct RestoreResult {
    uint64_t folders, restored_count, present_count, conflict_count, failed_count;
} RestoreResult;

/* All MANIFESTs are verified before the first row is sent. ERR_STOP: torn, edited, unfinished; ERR_USAGE: no backup there;
 * ERR_LOCKED. Conflicts and refused rows are logged and counted. */
bool restore_run(const RestoreSettings *settings, RestoreResult *out, Err *err);

#endif
