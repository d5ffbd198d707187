/* listing.h: the members of a directory model, and what lies among them that is none. No state; any thread. */
#ifndef SOURCE_LISTING_H
#define SOURCE_LISTING_H

#include "base/tree.h"
#include "source/scan.h"

/* What systems and tools leave in folders (.DS_Store, __pycache__, .git) is junk: neither content nor part of the stamp, so that
 * looking into a folder does not make a version. rules->hidden takes it as content. What rules->excludes match is left out.
 *   root, path  of the directory model: the open MODELS_DIR and the path below it
 *   rules       NULL = nothing is excluded, no link is followed
 *   flags       TREE_INTERRUPTIBLE, or 0
 * Errors as those of tree_list. */
bool listing_read(int root, const char *path, int dir, const ScanRules *rules, unsigned flags, TreeList *out,
                  Err *err);

/* A folder right below a model of transformers that training left, with weights of its own: a model of its own, and as junk
 * no part of the other. name: of an entry of the open directory `dir`. */
bool listing_is_checkpoint(int dir, const char *name, const ScanRules *rules);

/* Without a word to the user it may go together with a model that is proven; all other junk may be somebody's work. path: of a
 * member that is junk. */
bool listing_is_worthless(const char *path);

#endif
