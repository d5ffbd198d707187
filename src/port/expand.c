#include "port/expand.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#define PIECE_BYTES ((size_t)64 * 1024)

typedef struct Source {
    ExpandSourceFn read;
    void *ctx;
    Err err; /* of the source: libarchive has its own words only */
} Source;

static ssize_t read_source(struct archive *archive, void *ctx, const void **data)
{
    Source *source = ctx;
    size_t len = 0;
    if (source->read(source->ctx, data, &len, &source->err))
        return (ssize_t)len;
    archive_set_error(archive, EIO, "the source cannot be read");
    return ARCHIVE_FATAL;
}

/* Only filters of the libraries: none that would run a program. */
static bool set_up(struct archive *archive, Source *source)
{
    return archive_read_support_filter_bzip2(archive) == ARCHIVE_OK && archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
           archive_read_support_filter_lzma(archive) == ARCHIVE_OK && archive_read_support_filter_lz4(archive) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(archive) == ARCHIVE_OK && archive_read_support_format_raw(archive) == ARCHIVE_OK &&
           archive_read_open(archive, source, NULL, read_source, NULL) == ARCHIVE_OK;
}

static bool fail(const Source *source, Err *err)
{
    if (source->err.cls == ERR_NONE)
        return err_set(err, ERR_SKIP, "cannot be decoded");
    *err = source->err;
    return false;
}

static bool read_all(struct archive *archive, const Source *source, uint64_t max_bytes, SinkFn sink, void *ctx, Err *err)
{
    char *piece = malloc(PIECE_BYTES);
    ssize_t got = 0;
    bool ok = piece != NULL || err_no_memory(err);
    for (uint64_t total = 0; ok && (got = archive_read_data(archive, piece, PIECE_BYTES)) > 0; total += (uint64_t)got)
        ok = (uint64_t)got <= max_bytes - total ? sink(ctx, piece, (size_t)got, err)
                                                : err_set(err, ERR_SKIP, "becomes too large when it is decoded");
    free(piece);
    return ok && (got == 0 || fail(source, err));
}

bool expand(ExpandSourceFn source_fn, void *source_ctx, uint64_t max_bytes, SinkFn sink, void *sink_ctx, Err *err)
{
    Source source = {.read = source_fn, .ctx = source_ctx};
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    if (archive == NULL)
        return err_no_memory(err);
    bool ok = (set_up(archive, &source) && archive_read_next_header(archive, &entry) == ARCHIVE_OK) || fail(&source, err);
    /* The last filter is the file itself. */
    ok = ok && (archive_filter_count(archive) == 2 || err_set(err, ERR_SKIP, "is not compressed, or more than once"));
    ok = ok && read_all(archive, &source, max_bytes, sink, sink_ctx, err);
    archive_read_free(archive);
    return ok;
}
