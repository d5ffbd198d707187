#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

bool buf_reserve(Buf *buf, size_t more, Err *err)
{
    return vec_grow(&buf->data, &buf->cap, buf->len, more, 1, err);
}

bool buf_append(Buf *buf, const void *data, size_t len, Err *err)
{
    if (!buf_reserve(buf, len, err))
        return false;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return true;
}

bool buf_text(Buf *buf, const char *text, Err *err)
{
    size_t len = strlen(text);
    if (!buf_append(buf, text, len + 1, err))
        return false;
    buf->len--;
    return true;
}

bool buf_format(Buf *buf, Err *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    bool ok = need >= 0 ? buf_reserve(buf, (size_t)need + 1, err) : err_set(err, ERR_BUG, "bad format string");
    if (ok) {
        vsnprintf(buf->data + buf->len, (size_t)need + 1, format, again);
        buf->len += (size_t)need;
    }
    va_end(again);
    return ok;
}

void buf_clear(Buf *buf)
{
    buf->len = 0;
}

void buf_free(Buf *buf)
{
    free(buf->data);
    *buf = (Buf){0};
}

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

struct ArenaBlock {
    struct ArenaBlock *next;
    size_t used, cap;
    char data[];
};

const char *arena_copy(Arena *arena, const char *s, size_t len, Err *err)
{
    struct ArenaBlock *block = arena->head;
    if (block == NULL || block->cap - block->used <= len) {
        size_t cap = len + 1 > ARENA_BLOCK_BYTES ? len + 1 : ARENA_BLOCK_BYTES;
        block = malloc(sizeof *block + cap);
        if (block == NULL) {
            err_no_memory(err);
            return NULL;
        }
        *block = (struct ArenaBlock){.next = arena->head, .cap = cap};
        arena->head = block;
        arena->bytes += sizeof *block + cap;
    }
    char *copy = block->data + block->used;
    memcpy(copy, s, len);
    copy[len] = '\0';
    block->used += len + 1;
    return copy;
}

void arena_free(Arena *arena)
{
    for (struct ArenaBlock *block = arena->head, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (Arena){0};
}
