/* atomic_file.h: a file that gets its name when it is whole and on the disk. Until then it is `.<name>.<16 hex digits>.tmp` beside
 * it, a name that nobody can plant. One thread a file. */
#ifndef BASE_ATOMIC_FILE_H
#define BASE_ATOMIC_FILE_H

#include <sys/types.h>

#include "base/err.h"

typedef struct AtomicFile {
    char *path, *temp; /* temp NULL: it has its name, or was never made */
    int fd;            /* open for reading and appending; after a commit the caller may take it (then set it to -1) */
} AtomicFile;

/* mode: less the umask, as for open(2), but 0600 is exact. ERR_STOP. */
bool atomic_file_open(AtomicFile *file, const char *path, mode_t mode, Err *err);
bool atomic_file_write(AtomicFile *file, const void *data, size_t len, Err *err);

/* fsync, rename, fsync of the folder. Fails before the rename, and the old file is as it was; or at the last fsync, and either may
 * be there after a power cut. ERR_STOP. */
bool atomic_file_commit(AtomicFile *file, Err *err);

/* Also after a failure, then the temporary file goes. May be called twice. */
void atomic_file_close(AtomicFile *file);

/* All of it at once. */
bool atomic_file_put(const char *path, mode_t mode, const void *data, size_t len, Err *err);

/* Is it the name of a temporary file? */
bool atomic_file_is_temp(const char *name);

/* Removes what killed processes left in a folder where nobody else is at work. What cannot be removed stays. */
void atomic_file_sweep(const char *folder);

#endif
