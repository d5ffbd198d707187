/* magic.h: what the first bytes of a file say. No state; any thread. */
#ifndef BASE_MAGIC_H
#define BASE_MAGIC_H

#include <stdbool.h>
#include <stddef.h>

/* Compressed already: gzip, zlib, bzip2, xz, lzma, lz4 frame, zstd. */
bool magic_is_compressed(const void *head, size_t len);

/* A Git LFS pointer: a short text that stands where the real file should be. `len` is the whole file's length, or more than 1024.
 */
bool magic_is_lfs_pointer(const void *head, size_t len);

#endif
