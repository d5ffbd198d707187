/* fs.h: files, done durably. Every function reports errors with the path in them. Byte counts are 64 bits. Any thread. */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* Reads until `len` bytes are there or the file ends; repeats short reads and EINTR. Returns the bytes read, -1 with errno set. */
ssize_t fs_read(int fd, void *data, size_t len);
ssize_t fs_read_at(int fd, void *data, size_t len, uint64_t offset);

/* Writes the dirty pages of a file out, so that the next store through a shared mapping moves its mtime: a store to a page that is
 * dirty already does not. Free when no page is dirty; a no-op on tmpfs. bytes: about how long it is; all of it is written out. Ends
 * early after a signal. */
void fs_clean_pages(int fd, uint64_t bytes);

/* Writes all or fails with errno set (a short write is continued). */
bool fs_write(int fd, const void *data, size_t len);

/* `path` is opened below the directory descriptor `root`: no `..`, no absolute path, no symlink in any component, and without
 * blocking on a FIFO. flags are those of open(2); O_CLOEXEC and O_NONBLOCK are added; O_CREAT makes a file 0600. -1 with errno set
 * (ELOOP for a symlink, EXDEV for `..` and an absolute path). With `follow`, symlinks that stay below root are followed (openat2;
 * Linux 5.6). */
int fs_open_beneath(int root, const char *path, int flags, bool follow);

/* Makes `path` and its missing parents, each 0700. It must end up a directory of ours (owner = euid, no group or other write bit),
 * and its last component must not be a symlink. ERR_STOP. */
bool fs_make_private_dir(const char *path, Err *err);

/* fsync of a file or a directory by path. ERR_STOP. */
bool fs_sync_dir(const char *path, Err *err);

/* fsync of the directory that `path` stands in, so that its creation, rename or removal lasts. ERR_STOP. */
bool fs_sync_parent(const char *path, Err *err);

/* Opens a state file for reading and writing, 0600, created if missing; a symlink, a non-regular file, a file of another owner or
 * one that group or others may write is refused. -1 and *err (ERR_STOP) on failure. extra = further open(2) flags. */
int fs_open_private_file(const char *path, int extra, Err *err);

/* A whole regular file into `out` (appended, a NUL behind it). Over `max` bytes is an error. ERR_STOP; errnum ENOENT when it is not
 * there. */
bool fs_read_file(const char *path, uint64_t max, Buf *out, Err *err);

/* Removes `name` in the directory `dir`: a file, a symlink (never what it leads to), or a directory with all that is in it. Stays
 * on one file system. Nothing of that name is success. ERR_STOP. */
bool fs_remove_tree(int dir, const char *name, Err *err);

/* "a" + "/" + "b"; malloc'd, NULL when memory ends. */
char *fs_join(const char *a, const char *b);

#endif
