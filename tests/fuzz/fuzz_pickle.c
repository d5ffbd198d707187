/* pickle: a file that has a plain form comes back from it as it was, whatever the pieces; what has none is refused with a reason, and nothing
 * that is not a plain form is taken for one that gives back more than it should. */
#include <string.h>

#include "../../src/source/pickle/plain.h"
#include "base/buf.h"
#include "fuzz.h"

static bool keep(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

static bool write_plain(PlainWriter *writer, bool original, const uint8_t *data, size_t size, size_t piece, Buf *out)
{
    Err err = {0};
    bool ok = true;
    plain_writer_begin(writer, original, NULL, keep, out);
    for (size_t at = 0; ok && at < size; at += piece)
        ok = plain_writer_add(writer, data + at, size - at < piece ? size - at : piece, &err);
    ok = ok && plain_writer_end(writer, &err);
    fuzz_assert(ok || (err.cls == ERR_SKIP && err.text[0] != '\0'));
    return ok;
}

static bool read_plain(PlainReader *reader, const uint8_t *data, size_t size, size_t piece, Buf *out)
{
    Err err = {0};
    bool ok = true;
    plain_reader_begin(reader, keep, out);
    for (size_t at = 0; ok && at < size; at += piece)
        ok = plain_reader_add(reader, data + at, size - at < piece ? size - at : piece, &err);
    ok = ok && plain_reader_end(reader, &err);
    fuzz_assert(ok || (err.cls == ERR_SKIP && err.text[0] != '\0'));
    return ok;
}

static bool same(const Buf *a, const void *data, size_t len)
{
    return a->len == len && (len == 0 || memcmp(a->data, data, len) == 0);
}

/* Opcodes of the placeholder may be in the file too: then the proof at packing time tells, and here it must only not give back nonsense. */
static bool names_pop(const uint8_t *data, size_t size)
{
    return memchr(data, '0', size) != NULL;
}

static void as_file(PlainWriter *writer, PlainReader *reader, const uint8_t *data, size_t size)
{
    Buf whole = {0}, pieces = {0}, back = {0};
    bool ok = write_plain(writer, false, data, size, SIZE_MAX / 2, &whole);
    fuzz_assert(ok == write_plain(writer, false, data, size, size % 7 + 1, &pieces));
    fuzz_assert(!ok || same(&whole, pieces.data, pieces.len));
    if (ok) {
        bool read = read_plain(reader, (const uint8_t *)whole.data, whole.len, size % 5 + 1, &back);
        fuzz_assert((read && same(&back, data, size)) || names_pop(data, size));
    }
    buf_clear(&whole);
    buf_clear(&back);
    Err err = {0};
    if (write_plain(writer, true, data, size, SIZE_MAX / 2, &whole)) {
        fuzz_assert(buf_append(&whole, "the file", 8, &err));
        fuzz_assert(read_plain(reader, (const uint8_t *)whole.data, whole.len, size % 5 + 1, &back) && same(&back, "the file", 8));
    }
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&back);
}

static void as_plain(PlainReader *reader, const uint8_t *data, size_t size)
{
    Buf whole = {0}, pieces = {0};
    bool ok = read_plain(reader, data, size, SIZE_MAX / 2, &whole);
    fuzz_assert(ok == read_plain(reader, data, size, size % 7 + 1, &pieces));
    fuzz_assert(!ok || same(&whole, pieces.data, pieces.len));
    fuzz_assert(whole.len <= 256 * size + 256);
    buf_free(&whole);
    buf_free(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    PlainWriter *writer = plain_writer_new(4096, "/tmp", &err);
    PlainReader *reader = plain_reader_new(&err);
    fuzz_assert(writer != NULL && reader != NULL);
    as_file(writer, reader, data, size);
    as_plain(reader, data, size);
    plain_writer_free(writer);
    plain_reader_free(reader);
    return 0;
}
