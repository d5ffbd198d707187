/* digests.h: the digests of rows that other programs wrote. They are in no column of the row, so the server works them out; what it
 * worked out is kept in model_digests, and is good while the row's mark (find.sql) is the same. */
#ifndef STORE_POSTGRES_DIGESTS_H
#define STORE_POSTGRES_DIGESTS_H

#include "shape.h"

typedef struct PostgresDigest {
    const char *name, *mark; /* borrowed */
    int32_t version;
    uint64_t bytes;          /* of the payload */
    int row;                 /* for the caller */
    bool is_known;           /* digest is there */
    bool is_fresh;           /* it was worked out just now */
    Digest digest;
} PostgresDigest;

typedef struct PostgresDigests {
    PostgresDigest *items;
    size_t count, cap;
} PostgresDigests;

/* Inside a reading transaction: fills the digests. A row that vanished stays unknown. */
bool postgres_digests_fill(Postgres *pg, const PostgresShape *shape, PostgresDigests *digests, Err *err);

/* In a transaction of its own. To keep them is a saving and no duty: false only when the session is lost. */
bool postgres_digests_keep(Postgres *pg, const PostgresDigests *digests, Err *err);

#endif
