/* gzip.h: gzip members, written and read.
 *
 * A Deflater makes exactly one gzip member for each begin … end: time 0, no name, no padding, because joblib loops for ever on a
 * second member or on trailing bytes. The same input in pieces of any size gives the same bytes for the same level on the same kind
 * of CPU. Levels 1 to 3 are ISA-L's (650, 400, 183 MB/s), 4 to 9 are zlib's. One thread at a time; made to be reused. */
#ifndef PORT_GZIP_H
#define PORT_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sink.h"

#define GZIP_LEVEL_DEFAULT 1
#define GZIP_LEVEL_MAX 9

typedef struct Deflater Deflater;

Deflater *deflater_new(int level, Err *err); /* 1..9; NULL and ERR_STOP when memory ends */
void deflater_free(Deflater *deflater);

bool deflater_begin(Deflater *deflater, SinkFn sink, void *ctx, Err *err); /* also after a failed or unfinished member */
bool deflater_add(Deflater *deflater, const void *data, size_t len, Err *err); /* errors: the sink's, ERR_BUG */
bool deflater_end(Deflater *deflater, Err *err); /* the trailer is sent */

/* Decodes one gzip member that must fill the input exactly. */
typedef struct Inflater Inflater;

Inflater *inflater_new(Err *err);
void inflater_free(Inflater *inflater);

/* max_bytes: more output than this is an error (1 GiB of zeros is a 1 MB member). */
bool inflater_begin(Inflater *inflater, uint64_t max_bytes, SinkFn sink, void *ctx, Err *err);
bool inflater_begin_zlib(Inflater *inflater, uint64_t max_bytes, SinkFn sink, void *ctx, Err *err); /* a zlib stream (RFC 1950) */
bool inflater_add(Inflater *inflater, const void *data, size_t len,
                  Err *err); /* ERR_SKIP: not gzip, corrupt, too large, bytes behind the member */
bool inflater_is_complete(const Inflater *inflater); /* the member has ended, whatever came behind it */
bool inflater_end(Inflater *inflater, Err *err); /* ERR_SKIP: the member is not complete */

/* CRC-32 of gzip (ISO 3309). */
uint32_t gzip_crc32(const void *data, size_t len);

/* The libraries behind this and their versions; of ISA-L the one that the program was built with. */
void gzip_library(char *out, size_t cap);

#endif
