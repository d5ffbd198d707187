/* stamp.h: what stat tells of a source. The same stamp means the same content: no program can set a ctime back. No state; any
 * thread. */
#ifndef MODEL_STAMP_H
#define MODEL_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/tree.h"

/* Of a directory: its own dev and ino, the sum of its files' sizes, their latest mtime; ctime_ns is a 64-bit hash of path, size,
 * mtime, ctime and inode of all members. */
typedef struct Stamp {
    uint64_t dev, ino, size;
    int64_t mtime_ns, ctime_ns;
} Stamp;

Stamp stamp_of_stat(const struct stat *st);   /* of a file */
Stamp stamp_of_tree(const TreeList *members); /* of a directory */
Stamp stamp_of_whole_tree(const TreeList *members); /* … when its junk is content, too */

enum StampExcept {
    STAMP_ANY_DEVICE = 1, /* containers and NFS give a new number at each mount */
    STAMP_ANY_CTIME = 2   /* a rename of our own moves a file's */
};

/* `now` is `then`, but for what `except` (StampExcept bits, 0 = nothing) leaves out. */
bool stamp_is(const Stamp *now, const Stamp *then, unsigned except);

#endif
