/* restore.h: rows of CSV backups back into a store. Idempotent: a row that is there with the same content is passed over, one with
 * other content is a conflict and stays as it is. */
#ifndef FLOW_RESTORE_H
#define FLOW_RESTORE_H

#include "flow/retry.h"
#include "report/lines.h"

/* A row of a backup is settled. model: NULL when the row itself cannot be read. reason: NULL when all is well. */
typedef bool (*RestoreDoneFn)(void *ctx, const StoredModel *model, RowStatus status, const char *reason, Err *err);

typedef struct RestoreSettings {
    const char *const *backups; /* each the folder of a run, or a folder of such folders; all of one store */
    size_t backup_count;
    Retry *retry;
    const char *state_dir;
    uint64_t batch_rows, batch_bytes, max_memory;
    RestoreDoneFn fn; /* called for each row, in the order of the backups */
    void *ctx;
} RestoreSettings;

typedef struct RestoreResult {
    uint64_t folders, restored_count, present_count, conflict_count, failed_count;
    uint64_t unconfirmed_count; /* rows of killed runs that may never have been committed, and have no place or are not whole */
} RestoreResult;

/* All MANIFESTs are verified before the first row is sent; a folder that a killed run of this host left gets its own first.
 * ERR_STOP: torn, edited, unfinished; ERR_USAGE: no backup there, or of several stores; ERR_LOCKED. Conflicts, unconfirmed and
 * refused rows are logged and counted. */
bool restore_run(const RestoreSettings *settings, RestoreResult *out, Err *err);

#endif
