/* owner.h: whose a run's folder is, and whether its run is still at work. Private to backup/.
 *
 * STORE is there before the folder has its name: it says which store the rows go to, and from which host. The run holds a lock on
 * it (base/file_lock.h) until it ends, however it ends. */
#ifndef BACKUP_OWNER_H
#define BACKUP_OWNER_H

#include "backup/backup.h"

/* Makes the folder: it gets its name, durably, when it is locked (*lock, held until closed) and has its STORE. ERR_STOP. */
bool backup_owner_begin(const char *folder, const BackupOwner *owner, int *lock, Err *err);

typedef enum BackupClaim {
    CLAIM_OURS,        /* its run has ended or was killed, and nobody else is at the folder */
    CLAIM_AT_WORK,     /* a living process has it */
    CLAIM_OTHER_HOST,
    CLAIM_OTHER_STORE,
    CLAIM_RENAMED,     /* another store that has our store's address: ours was replaced, or the address leads elsewhere now */
    CLAIM_GONE
} BackupClaim;

/* May `owner` finish this folder? Then *lock is held (-1 when nothing says whose it is). A NULL in owner fits everything. */
bool backup_owner_claim(const char *folder, const BackupOwner *owner, BackupClaim *claim, int *lock, Err *err);

/* Removes STORE, so that the empty folder can be removed. */
bool backup_owner_forget(const char *folder, Err *err);

/* The name that a folder has while it is made: .<run-id>.new */
bool backup_owner_is_new(const char *name);

/* Removes such a folder, unless its run is still at it or may be. */
bool backup_owner_remove_new(const char *path, const BackupOwner *owner, Err *err);

#endif
