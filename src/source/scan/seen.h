/* seen.h: which files and directories a walk met already, by device and inode, and under which path first. */
#ifndef SOURCE_SCAN_SEEN_H
#define SOURCE_SCAN_SEEN_H

#include "base/buf.h"
#include "base/strmap.h"
#include "base/vec.h"

/* Zero-initialise. */
typedef struct Seen {
    StrMap numbers; /* of "dev:ino" in paths */
    VEC(const char *) paths;
    Arena arena;
} Seen;

/* *first gets the path under which it was seen before; NULL if it was not: it is remembered under `path` (copied) then. ERR_STOP
 * without memory. */
bool seen_add(Seen *seen, uint64_t dev, uint64_t ino, const char *path, const char **first, Err *err);
void seen_free(Seen *seen);

#endif
