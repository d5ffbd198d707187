/* cleanup.h: the local sources that may go, and their removal.
 *
 * A plan is made from an audit that read every payload back. Applying it makes the whole audit again for the sources of the plan,
 * and asks the store once more for each source right before that one is taken away. */
#ifndef FLOW_CLEANUP_H
#define FLOW_CLEANUP_H

#include "flow/audit.h"
#include "flow/cleanup_plan.h"
#include "report/inventory.h"

/* The lines for --plan. ERR_STOP: the tree holds no model at all (an empty or unmounted folder is no reason to delete anything). */
bool cleanup_make_plan(const Audit *audit, const SourceTree *tree, CleanupPlan *out, Err *err);

typedef struct CleanupSettings {
    AuditSettings audit;
    const char *state_dir;
    const char *trash; /* NULL = delete */
} CleanupSettings;

typedef struct CleanupResult {
    uint64_t removed_count, removed_bytes, kept_count;
} CleanupResult;

/* Called for each `delete` line of the plan. why NULL: the source is gone. */
typedef bool (*CleanupDoneFn)(void *ctx, const CleanupLine *line, const char *why, Err *err);

/* Takes the run lock, proves, removes. Intent and result go to the journal. ERR_LOCKED; ERR_STOP: empty tree, standby, a failed
 * fsync. */
bool cleanup_apply(const CleanupSettings *settings, const CleanupPlan *plan, CleanupDoneFn fn, void *ctx, CleanupResult *out,
                   Err *err);

#endif
