/* sink.h: where a producer of bytes sends them. Returns false with *err filled to stop the producer. */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef bool (*SinkFn)(void *ctx, const void *data, size_t len, Err *err);

#endif
