/* removal.h: takes one proven source away, and nothing else.
 *
 * Whatever would stop it halfway is asked first. The source is opened below the root, its stamp compared, then it gets a temporary
 * name in its own directory (one rename), and what has that name now is compared again: a file that was put in its place in between
 * is given its name back. Only then is it unlinked, or moved. A directory goes whole or not at all; what somebody puts into it at
 * that very moment stays, and gets its place back. One thread. */
#ifndef SOURCE_REMOVAL_H
#define SOURCE_REMOVAL_H

#include "model/model.h"

#define REMOVAL_PREFIX ".cleanup-" /* of the temporary name; 16 hex digits follow */
#define OBSTACLE_BYTES 512

/* True: it cannot go, and why is filled, with a text that goes on from "stays: ": its folder or one in it cannot be written, it is
 * a mount point or has one in it, another user's file in a sticky folder, immutable or append-only, a
 * process has it open for writing, or a directory holds what is not stored and may be of worth. stamp: of what is stored (NULL =
 * that was not asked). Nothing is touched. */
bool removal_obstacle(int root, const char *path, bool is_directory, const Stamp *stamp, char why[OBSTACLE_BYTES]);

/* A removal that was cut off (the process was killed) between the renaming and the end: gives the source its name back when it is
 * still whole, so that it can be proven and taken again (*resumed; a file then has another ctime). A directory that is partly gone
 * stays as it is; the scan reports it. ERR_STOP. */
bool removal_resume(int root, const char *path, bool is_directory, const Stamp *stamp, bool *resumed, Err *err);

/* root: the open MODELS_DIR. path: relative, as scanned. stamp: of the source when its content was proven. trash: an open directory
 * of the same file system, or -1 to delete; there the source keeps its relative path. *gone: what was proven is gone, also when
 * something else was found in it then. ERR_SKIP: it changed, vanished, has an obstacle, is on another file system, or its name is
 * taken in the trash: it stays where it was; what can be known before is known before it is renamed, and its ctime stays too; or,
 * with *gone, what came into it at the last moment stays. ERR_STOP: it could not be given its name back (the text says where it
 * is). */
bool removal_take(int root, const char *path, bool is_directory, const Stamp *stamp, int trash, bool *gone, Err *err);

#endif
