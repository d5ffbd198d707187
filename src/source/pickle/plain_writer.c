#include <stdlib.h>

#include "base/spool.h"
#include "insert.h"
#include "plain.h"
#include "stream.h"

#define VIEW_BYTES ((size_t)64 * 1024)

struct PlainWriter {
    PickleStream stream;
    PickleParts parts;
    SinkFn sink;
    void *ctx;
    Spool objects; /* of the array in hand */
    bool mark_due; /* INSERT_ORIGINAL is still to be written */
    bool changed;
    uint64_t passed; /* bytes of opcodes, while the mark is due */
};

static bool put(PlainWriter *writer, const void *data, size_t len, Err *err)
{
    return len == 0 || writer->sink(writer->ctx, data, len, err);
}

/* The mark stands behind the two bytes of PROTO. */
static bool take_first_opcodes(PlainWriter *writer, const unsigned char *data, size_t len, Err *err)
{
    uint64_t before = writer->passed == 0 && data[0] != 0x80 ? 0 : 2;
    size_t head = (size_t)(before - writer->passed);
    if (len < head) {
        writer->passed += len;
        return put(writer, data, len, err);
    }
    writer->mark_due = false;
    return put(writer, data, head, err) && put(writer, INSERT_ORIGINAL, sizeof INSERT_ORIGINAL - 1, err) &&
           put(writer, data + head, len - head, err);
}

static bool take_opcodes(void *ctx, const void *data, size_t len, Err *err)
{
    PlainWriter *writer = ctx;
    return writer->mark_due ? take_first_opcodes(writer, data, len, err) : put(writer, data, len, err);
}

static bool put_before(PlainWriter *writer, const PickleArray *array, unsigned padding, uint64_t bytes, Err *err)
{
    unsigned char before[INSERT_MAX];
    size_t len;
    return insert_before(array, padding, bytes, before, &len, err) && put(writer, before, len, err);
}

static bool take_array(void *ctx, const PickleArray *array, unsigned padding, Err *err)
{
    PlainWriter *writer = ctx;
    char instead = INSERT_INSTEAD;
    writer->changed = true;
    spool_reset(&writer->objects);
    return put(writer, &instead, 1, err) && (array->has_objects || put_before(writer, array, padding, array->bytes, err));
}

static bool take_data(void *ctx, const PickleArray *array, const void *data, size_t len, Err *err)
{
    PlainWriter *writer = ctx;
    return array->has_objects ? spool_write(&writer->objects, data, len, err) : put(writer, data, len, err);
}

static bool put_objects(PlainWriter *writer, Err *err)
{
    unsigned char *scratch = malloc(VIEW_BYTES);
    bool ok = scratch != NULL || err_no_memory(err);
    for (uint64_t at = 0; ok && at < writer->objects.bytes;) {
        const void *data;
        ptrdiff_t got = spool_view(&writer->objects, at, VIEW_BYTES, scratch, &data, err);
        ok = got > 0 && put(writer, data, (size_t)got, err);
        at += ok ? (uint64_t)got : 0;
    }
    free(scratch);
    return ok;
}

static bool take_array_end(void *ctx, const PickleArray *array, Err *err)
{
    PlainWriter *writer = ctx;
    return (!array->has_objects || (put_before(writer, array, 0, writer->objects.bytes, err) && put_objects(writer, err))) &&
           put(writer, insert_after(array), INSERT_AFTER_BYTES, err);
}

PlainWriter *plain_writer_new(size_t memory_limit, const char *temp_dir, Err *err)
{
    PlainWriter *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        err_no_memory(err);
        return NULL;
    }
    writer->parts = (PickleParts){
        .opcodes = take_opcodes, .array = take_array, .data = take_data, .array_end = take_array_end, .ctx = writer};
    spool_init(&writer->objects, memory_limit, temp_dir);
    return writer;
}

void plain_writer_free(PlainWriter *writer)
{
    if (writer == NULL)
        return;
    stream_free(&writer->stream);
    spool_free(&writer->objects);
    free(writer);
}

void plain_writer_begin(PlainWriter *writer, bool original_follows, const PickleNotes *notes, SinkFn sink, void *ctx)
{
    writer->sink = sink;
    writer->ctx = ctx;
    writer->mark_due = writer->changed = original_follows;
    writer->passed = 0;
    stream_begin(&writer->stream, &writer->parts, notes);
}

bool plain_writer_add(PlainWriter *writer, const void *data, size_t len, Err *err)
{
    return stream_add(&writer->stream, data, len, err);
}

bool plain_writer_end(PlainWriter *writer, Err *err)
{
    return stream_end(&writer->stream, err);
}

bool plain_writer_changed(const PlainWriter *writer)
{
    return writer->changed;
}
