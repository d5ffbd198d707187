/* file_lock.h: the lock of a regular file that is open for writing: the kind that a network file system shares between hosts, where
 * a lock on a directory is local to one. The kernel frees it when the process ends, however it ends. Any thread. */
#ifndef BASE_FILE_LOCK_H
#define BASE_FILE_LOCK_H

#include <stdbool.h>

/* Without waiting. False with errno set: EWOULDBLOCK when somebody else has it. */
bool file_lock_try(int fd);

/* Is the file that is open here the one that has this name? Somebody may have removed or replaced it before the lock was ours. */
bool file_lock_is_named(int fd, const char *path);

#endif
