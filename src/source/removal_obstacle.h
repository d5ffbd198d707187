/* removal_obstacle.h: what would stop a removal halfway, asked before anything is touched: folders that cannot be written, sticky
 * folders of other users, mounts, files that are immutable or append-only. No state; any thread. */
#ifndef SOURCE_REMOVAL_OBSTACLE_H
#define SOURCE_REMOVAL_OBSTACLE_H

#include "base/tree.h"
#include "source/removal.h"



/* True: `name` cannot be taken out of the open directory `parent`. why: a text that goes on from "stays: ". */
bool obstacle_of_entry(int parent, const char *name, char why[OBSTACLE_BYTES]);

/* True: a member of the open directory `dir` cannot be taken out of it. list: all of them. */
bool obstacle_of_members(int dir, const TreeList *list, char why[OBSTACLE_BYTES]);

/* Does a process have the file open for writing, or mapped so? What it writes after the removal would be lost. False where nobody
 * can tell: of another user's file, and on file systems without leases (NFS). */
bool obstacle_is_written(int dir, const char *path);
bool obstacle_members_are_written(int dir, const TreeList *list); /* … one of them */

#endif
