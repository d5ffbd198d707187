/* tar.h: tar archives through libarchive.
 *
 * Writer: pax-restricted (plain ustar unless a member needs more), owner 0 without names, mode 0644 or 0755, so that the same members
 * always give the same bytes. Members go in the order in which they are added; the caller sorts. One thread at a time. */
#ifndef PORT_TAR_H
#define PORT_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sink.h"

typedef struct TarWriter TarWriter;

TarWriter *tar_writer_new(SinkFn sink, void *ctx, Err *err); /* NULL and ERR_STOP on failure */
void tar_writer_free(TarWriter *tar); /* an archive that was not ended is abandoned */

/* path: relative, flat under the model directory, no leading "./"; mtime in whole seconds since 1970. */
bool tar_add_directory(TarWriter *tar, const char *path, int64_t mtime, Err *err);

/* Opens a member of exactly `bytes` bytes; tar_data must then bring them all before the next member (libarchive would pad a short one
 * with zeros without a word: this writer returns ERR_BUG instead). */
bool tar_add_file(TarWriter *tar, const char *path, uint64_t bytes, int64_t mtime, bool executable, Err *err);
bool tar_data(TarWriter *tar, const void *data, size_t len, Err *err); /* the sink's error comes back as it is */
bool tar_end(TarWriter *tar, Err *err); /* end-of-archive blocks */

#endif
