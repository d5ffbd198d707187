/* content.h: what makes two models the same: their kind, the hash of their content and, of directories, what that hash leaves out.
 * No state; any thread. */
#ifndef MODEL_CONTENT_H
#define MODEL_CONTENT_H

#include <stdbool.h>

#include "port/sha256.h"

typedef enum ContentKind {
    CONTENT_FILE,
    CONTENT_DIRECTORY,
    CONTENT_UNKNOWN /* a row of another program, which records no format: its payload may be a file */
} ContentKind;

typedef struct Content {
    ContentKind kind;
    Digest digest;
    const Digest *members; /* of a directory, borrowed; NULL = not known, and then not compared */
} Content;

/* The bytes of a file are never those of a directory, whatever the hashes say. */
bool content_equal(const Content *a, const Content *b);

/* Both kinds are known, and differ. */
bool content_kinds_differ(ContentKind a, ContentKind b);

const char *content_kind_name(ContentKind kind); /* "file", "directory" */

#endif
