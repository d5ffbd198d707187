/* whole.h: the digests that version 0.1.0 gave to a directory: with the junk in it (listing.h), which it stored. A store that has
 * such a row has the content of the directory all the same, and no new version is made of it. One thread at a time. */
#ifndef SOURCE_WHOLE_H
#define SOURCE_WHOLE_H

#include "base/tree.h"
#include "port/sha256.h"

/* Zero-initialise. */
typedef struct Whole {
    bool is_wanted; /* the caller's */
    bool is_on;     /* it is, there is junk, and all of it could be read so far */
    Sha256 *content, *members, *file;
} Whole;

bool whole_begin(Whole *whole, const TreeList *list, Err *err);

/* Each entry of the list, in its order. digest: of a file that is no junk, else NULL. piece: scratch. */
bool whole_add(Whole *whole, int dir, const TreeEntry *entry, const Digest *digest, void *piece, size_t piece_size, Err *err);

bool whole_end(Whole *whole, Digest *content, Digest *members, Err *err); /* nothing unless is_on */
void whole_free(Whole *whole);

#endif
