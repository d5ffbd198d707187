/* buf.h: a growing byte buffer, and an arena for strings that live as long as a run. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Zero-initialise ({0}) to start. `data` is owned; it is not NUL-terminated unless buf_text made it so. */
typedef struct Buf {
    char *data;
    size_t len, cap;
} Buf;

bool buf_reserve(Buf *buf, size_t more, Err *err); /* room for `more` bytes behind len; ERR_STOP when memory ends */
bool buf_append(Buf *buf, const void *data, size_t len, Err *err);
bool buf_text(Buf *buf, const char *text, Err *err); /* appends a string; a NUL follows, not counted in len */
bool buf_format(Buf *buf, Err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void buf_clear(Buf *buf); /* len = 0, memory kept */
void buf_free(Buf *buf);  /* back to {0} */

/* Strings that are freed all at once. Zero-initialise. Not for several threads at once. */
typedef struct Arena {
    struct ArenaBlock *head;
    size_t bytes; /* taken from malloc, for the memory report */
} Arena;

/* A NUL-terminated copy that lives until arena_free. NULL and *err when memory ends. */
const char *arena_copy(Arena *arena, const char *s, size_t len, Err *err);
void arena_free(Arena *arena);

#endif
