/* stream.h: walks what joblib.dump writes without compression: a pickle with the bytes of arrays between its opcodes.
 *
 * Bytes may come in pieces of any size. A plain pickle is such a file without arrays. One thread. */
#ifndef SOURCE_PICKLE_STREAM_H
#define SOURCE_PICKLE_STREAM_H

#include "machine.h"

/* Who gets the parts, in the order of the file. False with *err ends the walk. */
typedef struct PickleParts {
    bool (*opcodes)(void *ctx, const void *data, size_t len, Err *err); /* without the BUILD of a placeholder */
    bool (*array)(void *ctx, const PickleArray *array, unsigned padding, Err *err); /* in the place of BUILD and of the padding */
    bool (*data)(void *ctx, const PickleArray *array, const void *data, size_t len, Err *err);
    bool (*array_end)(void *ctx, const PickleArray *array, Err *err);
    void *ctx;
} PickleParts;

typedef enum StreamPhase {
    STREAM_OPCODES,
    STREAM_PADDING_COUNT,
    STREAM_PADDING,
    STREAM_DATA,
    STREAM_NESTED,
    STREAM_END
} StreamPhase;

/* Zero-initialise; stream_free. */
typedef struct PickleStream {
    const PickleParts *parts; /* borrowed */
    PickleMachine machine, nested;
    Token token, nested_token;
    StreamPhase phase;
    uint64_t at, frame_end; /* in the file */
    uint64_t left;          /* of the padding or of the data */
    unsigned padding;
} PickleStream;

void stream_free(PickleStream *stream);
void stream_begin(PickleStream *stream, const PickleParts *parts, const PickleNotes *notes); /* also after a failure */

/* ERR_SKIP: it is no such file, or one that cannot be followed; the text says why ("its pickle …", "an array of its pickle …"). */
bool stream_add(PickleStream *stream, const void *data, size_t len, Err *err);
bool stream_end(PickleStream *stream, Err *err); /* ERR_SKIP: its end is missing */

#endif
