/* naming.h: the names of all models of a tree, and what only all of them together tell. */
#ifndef SOURCE_NAMING_H
#define SOURCE_NAMING_H

#include "source/source_tree.h"

/* Names the models of the tree: name, version and the bits that say how they came about. A bad name makes a model MODEL_FAILED. Two
 * files whose keys differ in their suffixes only keep them; of a series by time all but the newest are not to be made live. Notes
 * in tree->models->left_out: names that look alike, rows of the map that match nothing. ERR_STOP, ERR_INTERRUPTED. */
bool naming_name(SourceTree *tree, Err *err);

#endif
