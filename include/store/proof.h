/* proof.h: what the store itself says of a row: is its payload whole, and will it be kept? */
#ifndef STORE_PROOF_H
#define STORE_PROOF_H

#include <stdint.h>

#include "port/sha256.h"

/* What the server says of a payload. */
typedef enum StoreHealth {
    STORE_INTACT, /* its SHA-256, worked out now by the server, is the recorded one; of a chunked payload: all chunks are there, of
                   * the recorded size together, and each has its own SHA-256 (their sum is proven by reading it back only) */
    STORE_DAMAGED, /* it is another one, or the server cannot read it, or chunks are missing, doubled or of another size */
    STORE_UNPROVEN, /* no digest is recorded */
    STORE_MISSING /* no such row, or one with another content */
} StoreHealth;

/* Why the server does not promise to keep a row. */
typedef enum StoreDoubt {
    STORE_KEPT,          /* it does */
    STORE_STANDBY,       /* in recovery: what it has may not be all, and may go away */
    STORE_FSYNC_OFF,     /* a crash of the machine may lose or tear anything */
    STORE_TORN_PAGES,    /* full_page_writes is off */
    STORE_UNLOGGED,      /* the row's table is emptied by a crash, or is temporary */
    STORE_UNLOGGED_CHUNKS, /* the same of chunks: those of the row, or the table as a whole */
    STORE_IN_MEMORY,     /* the store is a file, and its file system is in memory */
    STORE_UNLOCKED       /* the store is a file that is read without a lock: what another program does to it is not seen */
} StoreDoubt;

const char *store_doubt_text(StoreDoubt doubt); /* for people; "" for STORE_KEPT */

typedef struct StoreProof {
    const char *name;
    int32_t version;
    const Digest *content, *stored; /* what the row must record, NULL = whatever it does */
    uint64_t bytes;                 /* of the payload, as far as the caller knows: the server is silent while it hashes them */
    StoreHealth health;             /* the answers: all of one call are as of one moment */
    StoreDoubt doubt;
} StoreProof;

#endif
