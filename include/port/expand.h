/* expand.h: what bzip2, xz, lzma, lz4 and zstd compressed, decoded. gzip and zlib are in gzip.h. No state; any thread. */
#ifndef PORT_EXPAND_H
#define PORT_EXPAND_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sink.h"

/* The compressed bytes: false = *err; *len 0 = the end. What *data points at stays until the next call. */
typedef bool (*ExpandSourceFn)(void *ctx, const void **data, size_t *len, Err *err);

/* All that comes out goes to `sink`; more than max_bytes is ERR_SKIP, as is what is not compressed in one of these ways or
 * damaged. Else the errors of source and sink. */
bool expand(ExpandSourceFn source, void *source_ctx, uint64_t max_bytes, SinkFn sink, void *sink_ctx, Err *err);

#endif
