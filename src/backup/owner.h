/* owner.h: whose a run's folder is. Private to backup*.c. */
#ifndef BACKUP_OWNER_H
#define BACKUP_OWNER_H

#include "base/err.h"

/* Makes the folder: it gets its name, durably, when it is locked (*lock, held until closed) and has its STORE. ERR_STOP. */
bool backup_owner_begin(const char *folder, const char *place, int *lock, Err *err);

/* *ours: its rows went to `place` and no living process holds it; then *lock is held (-1 when place is NULL: anybody's). */
bool backup_owner_claim(const char *folder, const char *place, int *lock, bool *ours, Err *err);

/* Removes STORE, so that the empty folder can be removed. */
bool backup_owner_forget(const char *folder, Err *err);

/* The name that a folder has while it is made: .<run-id>.new */
bool backup_owner_is_new(const char *name);

/* Removes such a folder, unless its run is still at it. */
bool backup_owner_remove_new(const char *path, Err *err);

#endif
