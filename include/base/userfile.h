/* userfile.h: files that a user names on the command line, to be read or written as a whole, whatever stands at the path.
 *
 * Nothing but a regular file is ever replaced: symbolic links are followed, and a FIFO, a device or an open descriptor (`-`,
 * /dev/stdout, /dev/fd/N, the <(…) of a shell) is read from or written to as it is. A signal ends a wait with ERR_INTERRUPTED. Any
 * thread. */
#ifndef BASE_USERFILE_H
#define BASE_USERFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The path that `path` stands for when all symbolic links of its last component are followed; the file itself need not be there.
 * false with errno set: ELOOP, ENAMETOOLONG, or a link that the kernel forbids to follow (EACCES). */
bool userfile_follow(const char *path, char out[PATH_MAX]);

/* Does it lead to standard output? Not asked of devices: /dev/null takes what comes from anywhere. */
bool userfile_is_stdout(const char *path);

/* Is it written to as it is, instead of being replaced? */
bool userfile_is_stream(const char *path);

/* For reading: `-` is standard input. An open descriptor to be closed, or -1 and *err (ERR_USAGE). Does not block on a FIFO: wait
 * with userfile_read. */
int userfile_open(const char *path, Err *err);

/* Up to len bytes, as soon as there are some. 0 = the end; -1 with errno set, EINTR when a signal asked to end. */
ssize_t userfile_read(int fd, void *data, size_t len);

/* Writes all to an open descriptor. To what is no regular file in pieces that it takes at once: false with errno EINTR soon after a
 * signal asked to end, even when nobody reads. */
bool userfile_put(int fd, const void *data, size_t len);

/* Waits until a descriptor takes 4096 bytes. False when the signal that asked to end is another one than `known`; a regular file,
 * and what is no descriptor, are ready. */
bool userfile_is_ready(int fd, int known);

/* Writes all of `path`. A regular file, or a new one, is replaced in one step (temporary name beside it, fsync, rename, fsync of
 * the folder) and gets `mode`, of which the umask takes bits away. ERR_STOP. */
bool userfile_write(const char *path, const void *data, size_t len, mode_t mode, Err *err);

#endif
