/* migrate.h: a database up or back to a revision of a team's folder.
 *
 * One revision is one transaction; who is killed, or loses its session, goes on behind the last one that was committed. Where a
 * store has several sessions, one of them only holds a lock meanwhile, so that two at once do not work at the same revision. */
#ifndef FLOW_MIGRATE_H
#define FLOW_MIGRATE_H

#include "flow/retry.h"
#include "schema/migrate.h"

typedef bool (*MigrateFn)(void *ctx, const Revision *revision, Err *err);

typedef struct MigrateJob {
    Retry *retry;
    const char *folder, *target;
    bool up, dry_run;
    double lock_timeout; /* seconds: how long one revision is tried while others hold what it needs, and for the other migrator */
    MigrateFn fn;        /* after each revision, in a dry run instead of it */
    void *ctx;
} MigrateJob;

/* ERR_LOCKED: another one holds the database. ERR_UNREACHABLE: away, or a lock that was not to be had. The others are those of
 * schema/migrate.h. */
bool migrate_run(const MigrateJob *job, Store **store, Err *err);

/* The folder, and what the database has of it; with patience. fn looks at them and may write; it is called again after a lost
 * session. */
typedef bool (*MigrateLookFn)(void *ctx, Store *store, Revisions *set, MigrateState *state, Err *err);
bool migrate_look(Retry *retry, const char *folder, Store **store, MigrateLookFn fn, void *ctx, Err *err);

#endif
