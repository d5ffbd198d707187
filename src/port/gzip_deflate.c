#include "port/gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zlib.h>

/* Both libraries may choose other bytes when the same input is cut in another way, ISA-L does. So they only ever see blocks of one
 * size: a whole block in the caller's memory is used there, the rest is gathered. The output buffer is part of that pattern. */
#define BLOCK_BYTES ((size_t)256 * 1024)
#define OUT_BYTES ((size_t)256 * 1024)
#define ISAL_LEVEL_MAX 3
#define OS_UNKNOWN 255 /* what ISA-L writes; zlib would write the system it was built on */

/* In libisal 2.30 the hash of the third byte comes from a register that holds the address of the stream
 * (igzip_icf_body_h1_gr_bt.asm, .write_first_byte), and the same content does not always give the same bytes. A first piece that is
 * too short for that code and flushed goes another way; it costs 6 bytes. */
#define FIRST_PIECE_BYTES ((size_t)4)

struct Deflater {
    int level;
    bool open;
    SinkFn sink;
    void *ctx;
    unsigned char *gathered;
    size_t gathered_bytes;
    unsigned char *out;
    struct isal_zstream *isal; /* levels 1..3 */
    unsigned char *level_buf;
    z_stream *zlib;            /* levels 4..9 */
    bool zlib_ready;
    bool begun; /* the first piece is out */
    gz_header header;
};

static bool start_isal(Deflater *deflater)
{
    static const uint32_t sizes[] = {ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
    deflater->isal = aligned_alloc(64, (sizeof *deflater->isal + 63) / 64 * 64);
    deflater->level_buf = malloc(sizes[deflater->level]);
    if (deflater->isal == NULL || deflater->level_buf == NULL)
        return false;
    isal_deflate_init(deflater->isal);
    deflater->isal->level = (uint32_t)deflater->level;
    deflater->isal->level_buf = deflater->level_buf;
    deflater->isal->level_buf_size = sizes[deflater->level];
    return true;
}

static bool start_zlib(Deflater *deflater)
{
    deflater->zlib = calloc(1, sizeof *deflater->zlib);
    if (deflater->zlib == NULL)
        return false;
    deflater->zlib_ready = deflateInit2(deflater->zlib, deflater->level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    return deflater->zlib_ready;
}

Deflater *deflater_new(int level, Err *err)
{
    if (level < 1 || level > GZIP_LEVEL_MAX) {
        err_set(err, ERR_BUG, "gzip level %d", level);
        return NULL;
    }
    Deflater *deflater = calloc(1, sizeof *deflater);
    if (deflater == NULL) {
        err_no_memory(err);
        return NULL;
    }
    deflater->level = level;
    deflater->header.os = OS_UNKNOWN;
    deflater->gathered = malloc(BLOCK_BYTES);
    deflater->out = malloc(OUT_BYTES);
    bool ready = level <= ISAL_LEVEL_MAX ? start_isal(deflater) : start_zlib(deflater);
    if (ready && deflater->gathered != NULL && deflater->out != NULL)
        return deflater;
    deflater_free(deflater);
    err_no_memory(err);
    return NULL;
}

void deflater_free(Deflater *deflater)
{
    if (deflater == NULL)
        return;
    if (deflater->zlib_ready)
        deflateEnd(deflater->zlib);
    free(deflater->zlib);
    free(deflater->isal);
    free(deflater->level_buf);
    free(deflater->gathered);
    free(deflater->out);
    free(deflater);
}

static void empty_out(Deflater *deflater)
{
    if (deflater->isal != NULL) {
        deflater->isal->next_out = deflater->out;
        deflater->isal->avail_out = OUT_BYTES;
    } else {
        deflater->zlib->next_out = deflater->out;
        deflater->zlib->avail_out = OUT_BYTES;
    }
}

bool deflater_begin(Deflater *deflater, SinkFn sink, void *ctx, Err *err)
{
    deflater->open = deflater->begun = false;
    deflater->gathered_bytes = 0;
    deflater->sink = sink;
    deflater->ctx = ctx;
    if (deflater->isal != NULL) {
        isal_deflate_reset(deflater->isal);
        deflater->isal->gzip_flag = IGZIP_GZIP; /* writing the header turns it into IGZIP_GZIP_NO_HDR, a reset leaves that */
        deflater->isal->end_of_stream = 0;
        deflater->isal->flush = NO_FLUSH;
    } else if (deflateReset(deflater->zlib) != Z_OK || deflateSetHeader(deflater->zlib, &deflater->header) != Z_OK) {
        return err_set(err, ERR_BUG, "zlib cannot start over");
    }
    empty_out(deflater);
    deflater->open = true;
    return true;
}

/* Where the library stands after one call. */
typedef struct Progress {
    size_t left_in, left_out;
    bool ended;
} Progress;

static bool isal_step(Deflater *deflater, bool last, Progress *out, Err *err)
{
    struct isal_zstream *stream = deflater->isal;
    stream->end_of_stream = last;
    if (isal_deflate(stream) != COMP_OK)
        return err_set(err, ERR_BUG, "libisal refuses to compress");
    *out = (Progress){stream->avail_in, stream->avail_out, stream->internal_state.state == ZSTATE_END};
    return true;
}

static bool zlib_step(Deflater *deflater, bool last, Progress *out, Err *err)
{
    z_stream *stream = deflater->zlib;
    int status = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return err_set(err, ERR_BUG, "zlib refuses to compress (%d)", status);
    *out = (Progress){stream->avail_in, stream->avail_out, status == Z_STREAM_END};
    return true;
}

/* One call of the library for each full output buffer; after the last block, whatever is left goes out too. */
static bool compress_all(Deflater *deflater, bool last, Err *err)
{
    for (;;) {
        Progress now = {0};
        if (!(deflater->isal != NULL ? isal_step : zlib_step)(deflater, last, &now, err))
            return false;
        bool done = last ? now.ended : now.left_in == 0;
        if (now.left_out == 0 || (done && last)) {
            if (!deflater->sink(deflater->ctx, deflater->out, OUT_BYTES - now.left_out, err))
                return false;
            empty_out(deflater);
        }
        if (done)
            return true;
    }
}

static bool isal_piece(Deflater *deflater, const void *data, size_t len, bool last, Err *err)
{
    deflater->isal->next_in = (uint8_t *)(uintptr_t)data; /* read only, though not declared so */
    deflater->isal->avail_in = (uint32_t)len;
    return compress_all(deflater, last, err);
}

static bool isal_block(Deflater *deflater, const void *data, size_t len, bool last, Err *err)
{
    size_t first = deflater->begun || len <= FIRST_PIECE_BYTES ? 0 : FIRST_PIECE_BYTES;
    deflater->begun = true;
    if (first > 0) {
        deflater->isal->flush = SYNC_FLUSH;
        if (!isal_piece(deflater, data, first, false, err))
            return false;
        deflater->isal->flush = NO_FLUSH;
    }
    return isal_piece(deflater, (const unsigned char *)data + first, len - first, last, err);
}

static bool zlib_block(Deflater *deflater, const void *data, size_t len, bool last, Err *err)
{
    deflater->zlib->next_in = (Bytef *)(uintptr_t)data;
    deflater->zlib->avail_in = (uInt)len;
    return compress_all(deflater, last, err);
}

static bool put_block(Deflater *deflater, const void *data, size_t len, bool last, Err *err)
{
    bool ok = deflater->isal != NULL ? isal_block(deflater, data, len, last, err) : zlib_block(deflater, data, len, last, err);
    if (!ok || last)
        deflater->open = false;
    return ok;
}

bool deflater_add(Deflater *deflater, const void *data, size_t len, Err *err)
{
    const unsigned char *from = data;
    if (!deflater->open)
        return err_set(err, ERR_BUG, "a gzip member is not open");
    while (len > 0) {
        if (deflater->gathered_bytes == 0 && len >= BLOCK_BYTES) {
            if (!put_block(deflater, from, BLOCK_BYTES, false, err))
                return false;
            from += BLOCK_BYTES;
            len -= BLOCK_BYTES;
            continue;
        }
        size_t room = BLOCK_BYTES - deflater->gathered_bytes;
        size_t take = len < room ? len : room;
        memcpy(deflater->gathered + deflater->gathered_bytes, from, take);
        deflater->gathered_bytes += take;
        from += take;
        len -= take;
        if (deflater->gathered_bytes == BLOCK_BYTES) {
            deflater->gathered_bytes = 0;
            if (!put_block(deflater, deflater->gathered, BLOCK_BYTES, false, err))
                return false;
        }
    }
    return true;
}

bool deflater_end(Deflater *deflater, Err *err)
{
    if (!deflater->open)
        return err_set(err, ERR_BUG, "a gzip member is not open");
    return put_block(deflater, deflater->gathered, deflater->gathered_bytes, true, err);
}

uint32_t gzip_crc32(const void *data, size_t len)
{
    return len == 0 ? 0 : crc32_gzip_refl(0, data, len);
}

void gzip_library(char *out, size_t cap)
{
    snprintf(out, cap, "ISA-L %d.%d.%d, zlib %s", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION, zlibVersion());
}
