/* gzip: the input taken for a gzip member never gives more than allowed, and the same in pieces of any size; taken for content, it
 * comes back as it was. */
#include <string.h>

#include "base/buf.h"
#include "fuzz.h"
#include "port/gzip.h"

#define MAX_BYTES ((uint64_t)1 << 20)

static bool keep(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

static bool inflate_all(Inflater *inflater, const uint8_t *data, size_t size, size_t piece, Buf *out)
{
    Err err = {0};
    bool ok = inflater_begin(inflater, MAX_BYTES, keep, out, &err);
    for (size_t at = 0; ok && at < size; at += piece)
        ok = inflater_add(inflater, data + at, size - at < piece ? size - at : piece, &err);
    ok = ok && inflater_end(inflater, &err);
    fuzz_assert(ok || (err.cls == ERR_SKIP && err.text[0] != '\0'));
    fuzz_assert(out->len <= MAX_BYTES);
    return ok;
}

static bool same(const Buf *a, const void *data, size_t len)
{
    return a->len == len && (len == 0 || memcmp(a->data, data, len) == 0);
}

static void as_member(Inflater *inflater, const uint8_t *data, size_t size)
{
    Buf whole = {0}, pieces = {0};
    bool ok = inflate_all(inflater, data, size, SIZE_MAX / 2, &whole);
    fuzz_assert(ok == inflate_all(inflater, data, size, size % 61 + 1, &pieces));
    fuzz_assert(!ok || same(&whole, pieces.data, pieces.len));
    buf_free(&whole);
    buf_free(&pieces);
}

static void as_content(Inflater *inflater, const uint8_t *data, size_t size)
{
    Err err = {0};
    Buf member = {0}, back = {0};
    Deflater *deflater = deflater_new((int)(size % GZIP_LEVEL_MAX) + 1, &err);
    fuzz_assert(deflater != NULL && deflater_begin(deflater, keep, &member, &err) && deflater_add(deflater, data, size, &err) &&
                deflater_end(deflater, &err));
    fuzz_assert(inflate_all(inflater, (const uint8_t *)member.data, member.len, 1000, &back) && same(&back, data, size));
    deflater_free(deflater);
    buf_free(&member);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    Inflater *inflater = inflater_new(&err);
    fuzz_assert(inflater != NULL);
    as_member(inflater, data, size);
    as_content(inflater, data, size);
    inflater_free(inflater);
    return 0;
}
