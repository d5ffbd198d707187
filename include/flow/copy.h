/* copy.h: the rows of one store into another, whatever kinds of database the two are. */
#ifndef FLOW_COPY_H
#define FLOW_COPY_H

#include "flow/retry.h"
#include "report/lines.h"

/* A row of the source is settled. model: as it went to the destination, is_active included. reason: NULL when all is well. */
typedef bool (*CopyDoneFn)(void *ctx, const StoredModel *model, RowStatus status, const char *reason, Err *err);

typedef struct CopySettings {
    Retry *from, *to;
    const char *const *globs; /* only names that match one of them (glob_path); */
    size_t glob_count;        /* 0 = all */
    bool live_only;           /* of each name only the highest active version */
    bool activate;            /* keep is_active also of names that the destination has already */
    bool dry_run;             /* write nothing, not even state; the destination may have no tables yet */
    bool upgrade;             /* bring the schema of the destination to head first */
    const char *state_dir;    /* of the destination: its lock, and temporary files for payloads that do not fit in memory */
    uint64_t batch_rows, batch_bytes, max_memory;
    uint64_t inline_limit;    /* 0 = what the destination holds well */
    CopyDoneFn fn;            /* called for each row */
    void *ctx;
} CopySettings;

/* Idempotent, and continued by the same call after an error, a signal or a kill. Names come in order of size, largest first, and
 * the versions of each from the highest down. A row keeps all that it says, but for how its payload is cut into chunks.
 *
 * Same key, same content: passed over. Same key, other content: a conflict, and it stays as it is. A payload of the source that is
 * not what its row says: failed. Each costs that row only.
 *
 * What a name serves in the destination is not changed: versions of a name that is there come in inactive, unless `activate` is
 * set. A copy that did not end is no reason: a name whose versions there are just the highest ones of the source, but for damaged
 * ones, and active as in the source, goes on as it began.
 *
 * ERR_USAGE: both are the same store, or the inline limit is too large; ERR_SCHEMA; ERR_LOCKED; ERR_UNREACHABLE; ERR_INTERRUPTED;
 * ERR_STOP. *out is counted up to there. */
bool copy_run(const CopySettings *settings, CopySummary *out, Err *err);

#endif
