/* known.h: what is known of the store that rows are delivered to: the content of each version of the names it was asked for. */
#ifndef FLOW_DELIVER_KNOWN_H
#define FLOW_DELIVER_KNOWN_H

#include "base/buf.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "store/store.h"

typedef struct KnownContent {
    Digest content, members;
    bool has_format, is_tar, has_members;
} KnownContent;

/* Zero-initialise. */
typedef struct Known {
    StrMap names; /* asked for, to an index of name_counts */
    VEC(uint32_t) name_counts; /* versions of each */
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
uint32_t known_count(const Known *known, const char *name); /* versions of a name that was asked for */
void known_free(Known *known); /* back to zero: all is asked anew */

#endif
