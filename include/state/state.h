/* state.h: where a run keeps its lock, journal and backups: <state-dir>/<store key>/{lock,journal,removed,backups}. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "store/store.h"
#include "state/journal.h"
#include "state/lock.h"

typedef struct State {
    char *folder, *journal_path, *trail_path, *backup_dir, *temp_dir;
    RunLock lock;
    Journal *journal;
} State;

/* The paths only; nothing is made. state_dir NULL: $STATE_DIRECTORY, which systemd sets for a unit with StateDirectory=, else
 * $XDG_STATE_HOME/migrate_models_to_db, else ~/.local/state/migrate_models_to_db. backup_dir NULL: backups/ in the folder.
 * ERR_USAGE when none of the variables is set. */
bool state_locate(const char *state_dir, const char *backup_dir, const StoreTarget *target, State *out, Err *err);

/* Did an earlier run make the folder? Until then a store is asked for before the folder is made: a mistyped address leaves none. */
bool state_is_there(const State *state);

/* Makes the folder (0700), takes the lock, opens the journal. ERR_LOCKED, ERR_STOP. */
bool state_open(State *state, const char *run_id, Err *err);
void state_close(State *state);

#endif
