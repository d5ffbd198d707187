#include <stdlib.h>
#include <string.h>

#include "insert.h"
#include "plain.h"

typedef enum ReaderPhase {
    READ_HEAD,     /* the first bytes, which say whether the original follows */
    READ_OPCODES,
    READ_BEFORE,   /* what was put in before the bytes of an array */
    READ_BYTES,
    READ_AFTER,    /* and behind them */
    READ_SKIP,     /* the plain form, of which nothing is wanted */
    READ_ORIGINAL,
    READ_NO_MORE
} ReaderPhase;

#define HEAD_MAX 4

struct PlainReader {
    PickleMachine machine;
    Token token;
    SinkFn sink;
    void *ctx;
    ReaderPhase phase;
    unsigned char kept[INSERT_MAX]; /* of the head, or of what was put in */
    size_t have, want;
    uint64_t left; /* bytes of the array */
};

PlainReader *plain_reader_new(Err *err)
{
    PlainReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        err_no_memory(err);
    else
        reader->machine.is_plain = true;
    return reader;
}

void plain_reader_free(PlainReader *reader)
{
    if (reader != NULL)
        machine_free(&reader->machine);
    free(reader);
}

void plain_reader_begin(PlainReader *reader, SinkFn sink, void *ctx)
{
    machine_clear(&reader->machine);
    reader->token.phase = TOKEN_OPCODE;
    reader->sink = sink;
    reader->ctx = ctx;
    reader->phase = READ_HEAD;
    reader->have = 0;
    reader->want = HEAD_MAX;
}

static bool refuse(const char *why, Err *err)
{
    return err_set(err, ERR_SKIP, "the plain pickle %s", why);
}

/* More of what is wanted into `kept`; true when all of it is there. */
static bool keep(PlainReader *reader, const unsigned char **at, const unsigned char *end)
{
    size_t len = reader->want - reader->have, there = (size_t)(end - *at);
    len = len < there ? len : there;
    memcpy(reader->kept + reader->have, *at, len);
    *at += len;
    reader->have += len;
    return reader->have == reader->want;
}

static void await(PlainReader *reader, ReaderPhase phase, size_t want)
{
    reader->phase = phase;
    reader->have = 0;
    reader->want = want;
}

/* Up to POP in the place of a placeholder's BUILD, or to STOP. */
static bool read_opcodes(PlainReader *reader, const unsigned char **at, const unsigned char *end, Err *err)
{
    const unsigned char *first = *at;
    MachineState state = MACHINE_ON;
    while (state == MACHINE_ON) {
        TokenState token = token_take(&reader->token, at, end);
        if (token == TOKEN_UNKNOWN)
            return refuse("has an unknown opcode", err);
        if (token == TOKEN_PART)
            break;
        state = machine_step(&reader->machine, &reader->token, err);
    }
    if (state == MACHINE_FAILED)
        return false;
    size_t len = (size_t)(*at - first) - (state == MACHINE_ARRAY);
    if (len > 0 && !reader->sink(reader->ctx, first, len, err))
        return false;
    if (state == MACHINE_END)
        reader->phase = READ_NO_MORE;
    if (state != MACHINE_ARRAY)
        return true;
    size_t want;
    unsigned char before[INSERT_MAX];
    if (!insert_before(&reader->machine.array, 0, 0, before, &want, err))
        return false;
    await(reader, READ_BEFORE, want);
    return reader->sink(reader->ctx, "b", 1, err);
}

/* The padding and the count are whatever they are; all else must be what is written for this array. */
static bool read_before(PlainReader *reader, Err *err)
{
    const PickleArray *array = &reader->machine.array;
    unsigned char before[INSERT_MAX], padding[256];
    size_t len, count = array->has_padding ? reader->kept[INSERT_PADDING_AT] : 0;
    reader->left = 0;
    for (unsigned i = 0; i < 8; i++)
        reader->left |= (uint64_t)reader->kept[reader->want - 8 + i] << 8 * i;
    if (!insert_before(array, (unsigned)count, array->has_objects ? reader->left : array->bytes, before, &len, err))
        return false;
    if (len != reader->want || memcmp(before, reader->kept, len) != 0)
        return refuse("has something else in the place of an array", err);
    padding[0] = (unsigned char)count;
    memset(padding + 1, 0xff, sizeof padding - 1);
    if (reader->left > 0)
        reader->phase = READ_BYTES;
    else
        await(reader, READ_AFTER, INSERT_AFTER_BYTES);
    return !array->has_padding || reader->sink(reader->ctx, padding, 1 + count, err);
}

static bool read_bytes(PlainReader *reader, const unsigned char **at, const unsigned char *end, Err *err)
{
    size_t len = (uint64_t)(end - *at) < reader->left ? (size_t)(end - *at) : (size_t)reader->left;
    if (!reader->sink(reader->ctx, *at, len, err))
        return false;
    *at += len;
    reader->left -= len;
    if (reader->left == 0)
        await(reader, READ_AFTER, INSERT_AFTER_BYTES);
    return true;
}

static bool read_after(PlainReader *reader, Err *err)
{
    reader->phase = READ_OPCODES;
    return memcmp(reader->kept, insert_after(&reader->machine.array), INSERT_AFTER_BYTES) == 0 ||
           refuse("has something else behind an array", err);
}

static bool read(PlainReader *reader, const unsigned char **at, const unsigned char *end, Err *err);

/* The head is read once more, as what it is. */
static bool read_head(PlainReader *reader, Err *err)
{
    unsigned char head[HEAD_MAX];
    size_t len = reader->have, skip = len > 0 && reader->kept[0] == 0x80 ? 2 : 0, mark = sizeof INSERT_ORIGINAL - 1;
    memcpy(head, reader->kept, len);
    bool original = len >= skip + mark && memcmp(head + skip, INSERT_ORIGINAL, mark) == 0;
    reader->phase = original ? READ_SKIP : READ_OPCODES;
    for (const unsigned char *at = head; at < head + len;)
        if (!read(reader, &at, head + len, err))
            return false;
    return true;
}

static bool skip_pickle(PlainReader *reader, const unsigned char **at, const unsigned char *end, Err *err)
{
    TokenState state = TOKEN_WHOLE;
    while (state == TOKEN_WHOLE && reader->phase == READ_SKIP) {
        state = token_take(&reader->token, at, end);
        if (state == TOKEN_WHOLE && reader->token.opcode == '.')
            reader->phase = READ_ORIGINAL;
    }
    return state != TOKEN_UNKNOWN || refuse("has an unknown opcode", err);
}

static bool read(PlainReader *reader, const unsigned char **at, const unsigned char *end, Err *err)
{
    const unsigned char *from = *at;
    switch (reader->phase) {
    case READ_HEAD: return !keep(reader, at, end) || read_head(reader, err);
    case READ_OPCODES: return read_opcodes(reader, at, end, err);
    case READ_BEFORE: return !keep(reader, at, end) || read_before(reader, err);
    case READ_BYTES: return read_bytes(reader, at, end, err);
    case READ_AFTER: return !keep(reader, at, end) || read_after(reader, err);
    case READ_SKIP: return skip_pickle(reader, at, end, err);
    case READ_ORIGINAL: *at = end; return reader->sink(reader->ctx, from, (size_t)(end - from), err);
    case READ_NO_MORE: break;
    }
    return refuse("ends before the payload does", err);
}

bool plain_reader_add(PlainReader *reader, const void *data, size_t len, Err *err)
{
    const unsigned char *at = data, *end = at + len;
    while (at < end)
        if (!read(reader, &at, end, err))
            return false;
    return true;
}

bool plain_reader_end(PlainReader *reader, Err *err)
{
    if (reader->phase == READ_HEAD && !read_head(reader, err))
        return false;
    return reader->phase == READ_NO_MORE || reader->phase == READ_ORIGINAL || refuse("has no end", err);
}
