/* keep.h: a batch for a store that takes one writer at a time.
 *
 * There a transaction must not stay open while the next models are packed: every other writer would wait for a deflate. So the rows
 * of a batch and their payloads are kept here, and put when it is full, in one short section that one worker at a time enters. */
#ifndef FLOW_RUN_KEEP_H
#define FLOW_RUN_KEEP_H

#include "base/spool.h"
#include "store/store.h"

typedef struct KeptRow {
    StoredModel row;
    Spool payload;
} KeptRow;

typedef struct Keep {
    KeptRow *items;
    size_t count, cap;
    Arena strings;
    size_t memory_bytes; /* of the payloads that are in memory */
    bool has_file;       /* one is in a temporary file */
} Keep;

/* Takes the bytes of the payload; the row is copied. */
bool keep_add(Keep *keep, const StoredModel *row, Spool *payload, Err *err);

/* Puts all rows into the open transaction, those with chunks first: before its first other row a store may have its chunks written
 * in transactions of their own, so that nobody waits for gigabytes. They stay until keep_clear: the transaction may fail. */
bool keep_put(Keep *keep, Store *store, Err *err);

/* Is it time to put them, so that payloads take no more than `memory_limit` bytes, and few files? */
bool keep_is_full(const Keep *keep, size_t memory_limit);

void keep_clear(Keep *keep); /* empty again */
void keep_free(Keep *keep);

#endif
