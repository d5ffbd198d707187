/* link.h: symlinks that stay below a directory, relative or absolute. Where a link leads is asked of the kernel (an O_PATH
 * descriptor, which opens nothing, and /proc/self/fd), never worked out from text. Any thread. */
#ifndef BASE_LINK_H
#define BASE_LINK_H

#include <stddef.h>

#define LINK_PATH_MAX 4096

/* Follows every link in `path` (relative to the directory `root`) and returns an O_PATH descriptor of what it leads to. `real` gets
 * the target's own path below root, without a link in it, "." for root itself. -1 with errno set: EXDEV it leads outside root,
 * ENOENT dangling, ELOOP a circle of links. */
int link_resolve(int root, const char *path, char real[LINK_PATH_MAX]);

/* link_resolve, then opens the target with fs_open_beneath, so that it cannot be swapped for something outside in between. */
int link_open(int root, const char *path, int flags);

#endif
