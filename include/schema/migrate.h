/* migrate.h: what a database has of a folder of revisions, and one step up or back.
 *
 * The version table holds the heads and is the truth; it is the one that Alembic has, so that both can take turns. Beside it, in
 * a table of its name with _log behind it, is what this program applied: checksum, and the way back. If the log is lost, only
 * these are.
 *
 * Errors have the classes of store/database.h; what a folder and a database contradict each other in is ERR_SCHEMA. One thread. */
#ifndef SCHEMA_MIGRATE_H
#define SCHEMA_MIGRATE_H

#include "schema/revisions.h"
#include "store/store.h"

#define MIGRATE_TABLE "alembic_version"

typedef struct MigrateState {
    bool *applied;       /* for each revision of the set, with all before it */
    bool *edited;        /* applied with other SQL than the file has now */
    uint32_t *done;      /* begun without a transaction: so many of its statements are done */
    RevisionNames heads; /* what the version table holds */
    Buf unknown;         /* those of them that neither the folder nor the log knows, with commas */
    Arena arena;
} MigrateState;

/* Asks the database. A revision that is recorded in it and in no file is added to the set (is_recorded), when it is needed.
 */
bool migrate_state(Store *store, Revisions *set, const char *table, MigrateState *out, Err *err);
void migrate_state_free(MigrateState *state);

/* May all of these be applied, or undone? Looks at every statement before the first one runs. ERR_SCHEMA: names file and line. */
bool migrate_check(const Revisions *set, const MigrateState *state, const bool *chosen, bool up, Err *err);

/* One revision, in one transaction where it may have one. *moved: somebody else has changed the heads meanwhile; nothing is
 * done, ask for the state again. On success `state` is as the database. */
bool migrate_step(Store *store, const Revisions *set, uint32_t index, bool up, const char *table, MigrateState *state, bool *moved,
                  Err *err);

/* Writes the heads of these revisions (with all before them) into the version table, and runs nothing. */
bool migrate_stamp(Store *store, const Revisions *set, const bool *chosen, const char *table, Err *err);

/* The text of the file is the right one from now on. */
bool migrate_accept(Store *store, const Revision *revision, const char *table, Err *err);

#endif
