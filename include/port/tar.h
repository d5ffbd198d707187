/* tar.h: tar archives through libarchive.
 *
 * Writer: pax-restricted (plain ustar unless a member needs more), owner 0 without names, mode 0644 or 0755, so that the same
 * members always give the same bytes. Members go in the order in which they are added; the caller sorts. One thread at a time. */
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

/* What one archive may hold; the writer keeps to it so that the reader can take back all that was written. */
#define TAR_MEMBERS_MAX ((uint64_t)1 << 18)
#define TAR_NAMES_MAX ((uint64_t)64 << 20) /* bytes of all paths */
#define TAR_PATH_MAX 4096                  /* bytes of one path */
#define TAR_DEPTH_MAX 128                  /* its components */

/* path: relative, flat under the model directory, no leading "./"; mtime in whole seconds since 1970. ERR_SKIP: over the limits. */
bool tar_add_directory(TarWriter *tar, const char *path, int64_t mtime, Err *err);

/* Opens a member of exactly `bytes` bytes; tar_data must then bring them all before the next member (libarchive would pad a short
 * one with zeros without a word: this writer returns ERR_BUG instead). */
bool tar_add_file(TarWriter *tar, const char *path, uint64_t bytes, int64_t mtime, bool executable, Err *err);
bool tar_data(TarWriter *tar, const void *data, size_t len, Err *err); /* the sink's error comes back as it is */
bool tar_end(TarWriter *tar, Err *err); /* end-of-archive blocks */

/* Reader: walks a tar, plain or as exactly one gzip member, as it streams by. Nothing is written to disk here, and only regular
 * files and directories with safe paths are handed on: everything else (links, devices, FIFOs, sparse files, absolute paths, "."
 * and "..", empty or doubled names, a member that is below a file, more than the limits above) is an error. A path may hold any
 * byte but NUL: escape it before it is shown. An entry for the root itself ("./", as `tar -c .` writes it) is passed over. */
typedef struct TarMember {
    const char *path; /* relative, no leading "./", no trailing "/"; borrowed */
    bool is_directory, executable;
    uint64_t bytes;
    int64_t mtime; /* seconds since 1970 */
} TarMember;

/* Where the archive's bytes come from: false = *err; *len 0 = the end. */
typedef bool (*TarSourceFn)(void *ctx, const void **data, size_t *len, Err *err);

/* member is called for each member, data for the bytes of each file in pieces (data NULL = the file is complete). `archive`, which
 * may be NULL, gets the tar itself, decoded, before libarchive sees it. */
typedef struct TarVisitor {
    bool (*member)(void *ctx, const TarMember *member, Err *err);
    bool (*data)(void *ctx, const void *data, size_t len, Err *err);
    SinkFn archive;
    void *ctx;
} TarVisitor;

/* max_bytes: the sum of all members' bytes may not pass it, nor may the archive's own overhead pass 64 KiB and 8 KiB for each
 * member (1 GiB of zeros is a 1 MB gzip). The whole source is read, to its end: two blocks of zeros must end the archive, and
 * nothing but zeros may follow. ERR_SKIP: not an archive, damaged, hostile, too large. Errors of the source and the visitor come
 * back as they are. */
bool tar_read(TarSourceFn source, void *source_ctx, uint64_t max_bytes, const TarVisitor *visitor, Err *err);

/* The library behind this and its version. */
void tar_library(char *out, size_t cap);

#endif
