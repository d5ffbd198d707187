/* folders.h: the folders of backups that `restore` was given, found, finished and verified. */
#ifndef FLOW_RESTORE_FOLDERS_H
#define FLOW_RESTORE_FOLDERS_H

#include <sys/types.h>

#include "backup/backup.h"

typedef struct RestoreFolder {
    char *path;
    BackupManifest manifest;
    BackupStore store;
    dev_t dev;
    ino_t ino;
} RestoreFolder;

/* Zero-initialise. */
typedef struct RestoreFolders {
    RestoreFolder *items;
    size_t count, cap;
} RestoreFolders;

/* In the order in which their rows are restored: by time, and those of killed runs last and backwards, because a row of a run that
 * ended, or of a later one, overrules one that may never have been committed. Errors: restore.h. */
bool restore_find_folders(const char *const *paths, size_t count, RestoreFolders *out, Err *err);
void restore_folders_free(RestoreFolders *folders);

#endif
