#include "stream.h"

#include <string.h>

#define PADDING_MAX 255
#define PADDING_BYTE 0xff

void stream_free(PickleStream *stream)
{
    machine_free(&stream->machine);
    machine_free(&stream->nested);
}

void stream_begin(PickleStream *stream, const PickleParts *parts, const PickleNotes *notes)
{
    stream->parts = parts;
    stream->machine.notes = stream->nested.notes = notes;
    machine_clear(&stream->machine);
    stream->token.phase = TOKEN_OPCODE;
    stream->phase = STREAM_OPCODES;
    stream->at = stream->frame_end = stream->left = 0;
}

static bool refuse(const char *why, Err *err)
{
    return err_set(err, ERR_SKIP, "its pickle %s", why);
}

static bool finish_array(PickleStream *stream, Err *err)
{
    stream->phase = STREAM_OPCODES;
    return stream->parts->array_end(stream->parts->ctx, &stream->machine.array, err);
}

static bool begin_data(PickleStream *stream, Err *err)
{
    const PickleArray *array = &stream->machine.array;
    if (!stream->parts->array(stream->parts->ctx, array, stream->padding, err))
        return false;
    stream->left = array->bytes;
    stream->phase = array->has_objects ? STREAM_NESTED : STREAM_DATA;
    if (array->has_objects) {
        machine_clear(&stream->nested);
        stream->nested_token.phase = TOKEN_OPCODE;
    }
    return array->has_objects || stream->left > 0 || finish_array(stream, err);
}

static bool begin_array(PickleStream *stream, Err *err)
{
    if (stream->at < stream->frame_end)
        return refuse("has an array inside a frame", err);
    stream->padding = 0;
    if (!stream->machine.array.has_padding)
        return begin_data(stream, err);
    stream->phase = STREAM_PADDING_COUNT;
    return true;
}

/* Up to the next array or the end. What was walked is passed on in as few pieces as can be. */
static bool walk_opcodes(PickleStream *stream, const unsigned char **at, const unsigned char *end, Err *err)
{
    const unsigned char *first = *at, *last = first;
    MachineState state = MACHINE_ON;
    while (state == MACHINE_ON) {
        TokenState token = token_take(&stream->token, at, end);
        stream->at += (uint64_t)(*at - last);
        last = *at;
        if (token == TOKEN_UNKNOWN)
            return refuse("has an unknown opcode", err);
        if (token == TOKEN_PART)
            break;
        if (stream->token.opcode == 0x95 && __builtin_add_overflow(stream->at, stream->token.number, &stream->frame_end))
            return refuse("has a frame without an end", err);
        state = machine_step(&stream->machine, &stream->token, err);
    }
    if (state == MACHINE_FAILED)
        return false;
    size_t len = (size_t)(*at - first) - (state == MACHINE_ARRAY);
    if (len > 0 && !stream->parts->opcodes(stream->parts->ctx, first, len, err))
        return false;
    if (state == MACHINE_END)
        stream->phase = STREAM_END;
    return state != MACHINE_ARRAY || begin_array(stream, err);
}

static bool walk_nested(PickleStream *stream, const unsigned char **at, const unsigned char *end, Err *err)
{
    const unsigned char *first = *at;
    MachineState state = MACHINE_ON;
    while (state == MACHINE_ON) {
        TokenState token = token_take(&stream->nested_token, at, end);
        if (token == TOKEN_UNKNOWN)
            return refuse("has an unknown opcode", err);
        if (token == TOKEN_PART)
            break;
        state = machine_step(&stream->nested, &stream->nested_token, err);
    }
    if (state == MACHINE_FAILED)
        return false;
    if (state == MACHINE_ARRAY)
        return refuse("has an array inside an array", err);
    return stream->parts->data(stream->parts->ctx, &stream->machine.array, first, (size_t)(*at - first), err) &&
           (state != MACHINE_END || finish_array(stream, err));
}

static bool walk_padding(PickleStream *stream, const unsigned char **at, const unsigned char *end, Err *err)
{
    for (; *at < end && stream->left > 0; stream->left--)
        if (*(*at)++ != PADDING_BYTE)
            return refuse("has an array with other padding than joblib writes", err);
    return stream->left > 0 || begin_data(stream, err);
}

static bool count_padding(PickleStream *stream, const unsigned char **at, Err *err)
{
    stream->left = stream->padding = *(*at)++;
    stream->phase = STREAM_PADDING;
    return stream->left > 0 || begin_data(stream, err);
}

static bool walk_data(PickleStream *stream, const unsigned char **at, const unsigned char *end, Err *err)
{
    size_t len = (uint64_t)(end - *at) < stream->left ? (size_t)(end - *at) : (size_t)stream->left;
    if (!stream->parts->data(stream->parts->ctx, &stream->machine.array, *at, len, err))
        return false;
    *at += len;
    stream->left -= len;
    return stream->left > 0 || finish_array(stream, err);
}

static bool walk(PickleStream *stream, const unsigned char **at, const unsigned char *end, Err *err)
{
    const unsigned char *from = *at;
    bool ok = false;
    switch (stream->phase) {
    case STREAM_OPCODES: return walk_opcodes(stream, at, end, err);
    case STREAM_END: return refuse("ends before the file does", err);
    case STREAM_PADDING_COUNT: ok = count_padding(stream, at, err); break;
    case STREAM_PADDING: ok = walk_padding(stream, at, end, err); break;
    case STREAM_DATA: ok = walk_data(stream, at, end, err); break;
    case STREAM_NESTED: ok = walk_nested(stream, at, end, err); break;
    }
    stream->at += (uint64_t)(*at - from);
    return ok;
}

bool stream_add(PickleStream *stream, const void *data, size_t len, Err *err)
{
    const unsigned char *at = data, *end = at + len;
    while (at < end)
        if (!walk(stream, &at, end, err))
            return false;
    return true;
}

bool stream_end(PickleStream *stream, Err *err)
{
    return stream->phase == STREAM_END || refuse("has no end", err);
}
