#include "port/gzip.h"

#include <stdlib.h>

#include <isa-l/igzip_lib.h>

#define OUT_BYTES ((size_t)256 * 1024)
#define IN_BYTES_MAX ((size_t)1024 * 1024 * 1024) /* ISA-L counts a call in 32 bits */
#define FLAG_OFFSET 3
#define FLAG_RESERVED 0xe0 /* RFC 1952: must be zero */

struct Inflater {
    struct inflate_state state;
    struct isal_gzip_header header; /* kept: a header may come in pieces */
    bool open, in_body, finished;
    SinkFn sink;
    void *ctx;
    uint64_t max_bytes, bytes_out;
    uint64_t bytes_in;
    unsigned char *out;
};

Inflater *inflater_new(Err *err)
{
    Inflater *inflater = calloc(1, sizeof *inflater);
    if (inflater != NULL)
        inflater->out = malloc(OUT_BYTES);
    if (inflater != NULL && inflater->out != NULL)
        return inflater;
    inflater_free(inflater);
    err_no_memory(err);
    return NULL;
}

void inflater_free(Inflater *inflater)
{
    if (inflater == NULL)
        return;
    free(inflater->out);
    free(inflater);
}

bool inflater_begin(Inflater *inflater, uint64_t max_bytes, SinkFn sink, void *ctx, Err *err)
{
    (void)err;
    isal_inflate_init(&inflater->state);
    isal_gzip_header_init(&inflater->header);
    inflater->state.crc_flag = ISAL_GZIP_NO_HDR_VER; /* the trailer is verified: CRC-32 and length */
    inflater->open = true;
    inflater->in_body = inflater->finished = false;
    inflater->sink = sink;
    inflater->ctx = ctx;
    inflater->max_bytes = max_bytes;
    inflater->bytes_out = inflater->bytes_in = 0;
    return true;
}

bool inflater_begin_zlib(Inflater *inflater, uint64_t max_bytes, SinkFn sink, void *ctx, Err *err)
{
    inflater_begin(inflater, max_bytes, sink, ctx, err);
    inflater->state.crc_flag = ISAL_ZLIB; /* its header is read by isal_inflate */
    inflater->in_body = true;
    return true;
}

bool inflater_is_complete(const Inflater *inflater)
{
    return inflater->finished;
}

/* One piece of the header. True also while it is not complete. */
static bool read_header(Inflater *inflater, Err *err)
{
    struct inflate_state *state = &inflater->state;
    uint64_t until_flags = FLAG_OFFSET - inflater->bytes_in; /* wraps when they are behind us */
    if (until_flags < state->avail_in && (state->next_in[until_flags] & FLAG_RESERVED) != 0)
        return err_set(err, ERR_SKIP, "not gzip: unknown header flags");
    int status = isal_read_gzip_header(state, &inflater->header);
    if (status == ISAL_END_INPUT)
        return true;
    if (status != ISAL_DECOMP_OK)
        return err_set(err, ERR_SKIP, "not gzip: bad header");
    inflater->in_body = true;
    return true;
}

/* One output buffer of the body. */
static bool read_body(Inflater *inflater, Err *err)
{
    struct inflate_state *state = &inflater->state;
    state->next_out = inflater->out;
    state->avail_out = OUT_BYTES;
    uint32_t avail_in = state->avail_in;
    int status = isal_inflate(state);
    if (status == ISAL_INCORRECT_CHECKSUM)
        return err_set(err, ERR_SKIP, "corrupt gzip data: wrong checksum or length");
    if (status < 0)
        return err_set(err, ERR_SKIP, "corrupt gzip data");
    size_t got = OUT_BYTES - state->avail_out;
    if (got == 0 && avail_in > 0 && state->avail_in == avail_in)
        return err_set(err, ERR_SKIP, "corrupt gzip data: no progress");
    if (got > inflater->max_bytes - inflater->bytes_out)
        return err_set(err, ERR_SKIP, "gzip data of more than %llu bytes", (unsigned long long)inflater->max_bytes);
    inflater->bytes_out += got;
    inflater->finished = state->block_state == ISAL_BLOCK_FINISH;
    return got == 0 || inflater->sink(inflater->ctx, inflater->out, got, err);
}

static bool decode(Inflater *inflater, const void *data, size_t len, Err *err)
{
    struct inflate_state *state = &inflater->state;
    state->next_in = (uint8_t *)(uintptr_t)data; /* read only, though not declared so */
    state->avail_in = (uint32_t)len;
    if (!inflater->in_body && !read_header(inflater, err))
        return false;
    inflater->bytes_in += len;
    /* A full output buffer means that more may be waiting inside, even with no input left. */
    bool more = inflater->in_body && !inflater->finished;
    while (more) {
        if (!read_body(inflater, err))
            return false;
        more = !inflater->finished && (state->avail_in > 0 || state->avail_out == 0);
    }
    return state->avail_in == 0 || err_set(err, ERR_SKIP, "bytes behind the gzip member");
}

bool inflater_add(Inflater *inflater, const void *data, size_t len, Err *err)
{
    const unsigned char *from = data;
    if (!inflater->open)
        return err_set(err, ERR_BUG, "no gzip member is being read");
    for (size_t take; len > 0; from += take, len -= take) {
        take = len < IN_BYTES_MAX ? len : IN_BYTES_MAX;
        if (!decode(inflater, from, take, err)) {
            inflater->open = false;
            return false;
        }
    }
    return true;
}

bool inflater_end(Inflater *inflater, Err *err)
{
    if (!inflater->open)
        return err_set(err, ERR_BUG, "no gzip member is being read");
    inflater->open = false;
    return inflater->finished || err_set(err, ERR_SKIP, "the gzip data ends too early");
}
