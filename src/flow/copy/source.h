/* source.h: the store that `copy` reads: which rows it has, and their payloads. One thread. */
#ifndef FLOW_COPY_SOURCE_H
#define FLOW_COPY_SOURCE_H

#include "base/spool.h"
#include "flow/copy.h"
#include "flow/odd.h"

/* The versions of one name, the highest first. */
typedef struct CopyName {
    StoredModel *rows; /* in CopySource.rows */
    size_t count;
    uint64_t bytes;    /* of their payloads */
    bool is_judged, keeps_flags; /* are they active in the destination as they are here? */
} CopyName;

/* Zero-initialise but for settings. */
typedef struct CopySource {
    const CopySettings *settings;
    Store *store;
    char identity[STORE_IDENTITY_SIZE]; /* of the store, once it is listed */
    StoredModel *rows;
    size_t row_count, row_cap;
    CopyName *names; /* the largest first */
    size_t name_count;
    Arena strings;
    OddRows odd; /* what is not among the rows */
    char fault[256];
} CopySource;

/* All rows that are to be copied. The content of those without recorded digests is worked out by the store. Rows and globs that
 * come to nothing are warned of. */
bool copy_source_list(CopySource *source, Err *err);

/* NULL: the name has no such version. */
const StoredModel *copy_name_version(const CopyName *name, int32_t version);

/* The payload of a row into `payload`, which is emptied first; NULL: it is only looked at. *fault: it is not what the row says, or
 * is not there; lives until the next call. Else *stored (may be NULL) is its digest. ERR_RETRY: the session is lost; the next call
 * opens another one. */
bool copy_source_load(CopySource *source, const StoredModel *row, Spool *payload, Digest *stored, const char **fault, Err *err);

void copy_source_free(CopySource *source);

#endif
