/* canonical.h: the tar that this program would have made of a directory, from a tar that any program made of it: members sorted,
 * owner 0, modes 0644 and 0755, no compression. One thread. */
#ifndef STORE_POSTGRES_INTO_CANONICAL_H
#define STORE_POSTGRES_INTO_CANONICAL_H

#include "base/spool.h"
#include "port/sha256.h"
#include "port/tar.h"

typedef struct Canonical {
    Spool tar;
    Digest content, stored; /* of the files, as docs/formats.md has it; of the tar */
    uint64_t raw_bytes;     /* of all files together */
} Canonical;

void canonical_init(Canonical *canonical);
void canonical_free(Canonical *canonical);

/* source: the tar, plain or as one gzip member, of stored_bytes bytes. ERR_SKIP: no tar, damaged, hostile, two members of one name,
 * or far larger than a tar of that size can be. */
bool canonical_read(Canonical *out, TarSourceFn source, void *ctx, uint64_t stored_bytes, Err *err);

#endif
