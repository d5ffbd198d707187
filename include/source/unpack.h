/* unpack.h: from a stored payload back to the file or directory that it was, byte for byte.
 *
 * While the payload streams by, its own digest, the sizes and the digest of the content are checked against the row. What is
 * written goes to a temporary name beside the destination first and is renamed when all is right and durable; on failure nothing is
 * left. One thread at a time; no shared state. */
#ifndef SOURCE_UNPACK_H
#define SOURCE_UNPACK_H

#include "store/store.h"

/* Where the payload's bytes come from: false = *err; *len 0 = the end. */
typedef bool (*UnpackSourceFn)(void *ctx, const void **data, size_t *len, Err *err);

/* UnpackSourceFn over an open store_fetch_open; ctx is the Store. A signal ends it with ERR_INTERRUPTED. */
bool unpack_from_store(void *ctx, const void **data, size_t *len, Err *err);

/* Decodes and hashes only: the proof that a payload would come back. `info` must have digests. members: NULL, or of a directory the
 * second digest of what would come back (docs/formats.md), whether the row records it or not. ERR_SKIP: the text says what
 * differs. */
bool unpack_verify(const StoredModel *info, UnpackSourceFn source, void *ctx, Digest *members, Err *err);

typedef struct UnpackOptions {
    bool force; /* replace what is at the destination; a directory is swapped as a whole, never merged, and only when all that is in
                 * it is in the model too, at the same path and of the same kind */
    bool no_mtime;  /* keep the time of the extraction */
} UnpackOptions;

/* To `dest`: a file for format file, a directory for format tar. Mode 0644 & ~umask (executable members 0755), mtime of the source.
 * A row without digests is written as it is stored. ERR_SKIP: damaged, hostile archive, destination exists or holds what is not in
 * the model; ERR_STOP: no disk. */
bool unpack_to_path(const StoredModel *info, UnpackSourceFn source, void *ctx, const char *dest, const UnpackOptions *options,
                    Err *err);

/* The content of a file, or the tar (decoded) of a directory, to a descriptor. The digests are checked too, but what was wrong is
 * known only when it is out: the error says so. */
bool unpack_to_fd(const StoredModel *info, UnpackSourceFn source, void *ctx, int fd, Err *err);

#endif
