/* known.h: what `restore` knows of the store: the content of each version of the names that it asked for. */
#ifndef FLOW_RESTORE_KNOWN_H
#define FLOW_RESTORE_KNOWN_H

#include "base/buf.h"
#include "base/strmap.h"
#include "store/store.h"

typedef struct KnownContent {
    Digest content, members;
    bool has_format, is_tar, has_members;
} KnownContent;

/* Zero-initialise. */
typedef struct Known {
    StrMap names; /* asked for */
    StrMap versions; /* "name\nversion" to an index of contents */
    StrMap held; /* "name\ncontent": any version of the name has it */
    KnownContent *contents;
    size_t count, cap;
    Arena arena;
    Buf key;
} Known;

typedef enum KnownAnswer {
    KNOWN_FREE, /* no such version */
    KNOWN_SAME, /* it has the content */
    KNOWN_OTHER
} KnownAnswer;

/* Asks the store for those of the names that were not asked for yet. */
bool known_ask(Known *known, Store *store, const char *const *names, size_t count, Err *err);

bool known_add(Known *known, const StoredModel *model, Err *err); /* was stored just now */
bool known_version(Known *known, const StoredModel *model, KnownAnswer *answer, Err *err);
bool known_holds(Known *known, const StoredModel *model, bool *holds, Err *err); /* its name, in whatever version */
void known_free(Known *known); /* back to zero: all is asked anew */

#endif
