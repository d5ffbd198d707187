/* verify.c: --verify-stored: a payload is decoded again before it is sent, and must give the content that was read. */
#include <stdlib.h>

#include "worker.h"
#include "source/unpack.h"

#define PIECE_BYTES ((size_t)256 * 1024)

typedef struct PayloadReader {
    Spool *payload;
    uint64_t at;
    void *scratch;
} PayloadReader;

static bool next_piece(void *ctx, const void **data, size_t *len, Err *err)
{
    PayloadReader *reader = ctx;
    ptrdiff_t got = spool_view(reader->payload, reader->at, PIECE_BYTES, reader->scratch, data, err);
    if (got < 0)
        return false;
    reader->at += (uint64_t)got;
    *len = (size_t)got;
    return true;
}

bool verify_packed(const Model *model, const Packed *packed, Err *err)
{
    StoredModel info = packed_row(model, packed);
    PayloadReader reader = {.payload = packed->payload, .scratch = malloc(PIECE_BYTES)};
    if (reader.scratch == NULL)
        return err_no_memory(err);
    bool ok = unpack_verify(&info, next_piece, &reader, NULL, err);
    free(reader.scratch);
    return ok || err_prefix(err, "%s: its payload does not decode to what was read; it was not sent", model->path);
}
