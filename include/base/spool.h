/* spool.h: bytes written once and then read any number of times. In memory up to a limit, beyond it in a temporary file without a
 * name (it is gone when the process ends, however it ends). Made to be reused: spool_reset keeps the memory and the file. One
 * thread. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

typedef struct Spool {
    Buf memory;             /* all bytes while !spilled, else the write buffer of the file */
    size_t memory_limit;    /* bytes */
    const char *dir;        /* borrowed: where the temporary file goes */
    int fd;                 /* -1 until spilled once */
    bool spilled;
    uint64_t bytes;         /* written so far */
} Spool;

void spool_init(Spool *spool, size_t memory_limit, const char *dir);
void spool_reset(Spool *spool); /* empty again */
void spool_free(Spool *spool);

/* Moves the bytes, with their memory and file, out of `from`, which is empty and usable afterwards. *to is overwritten; free it. */
void spool_take(Spool *from, Spool *to);

bool spool_write(Spool *spool, const void *data, size_t len, Err *err); /* ERR_STOP: no memory, no disk */

/* A view of the bytes from `offset` on: at least 1 and at most `want` bytes when offset < bytes, 0 at the end. `*data` points into
 * memory, or into `scratch` (at least `want` bytes) when the bytes come from the file. -1 and *err on a read error. */
ptrdiff_t spool_view(Spool *spool, uint64_t offset, size_t want, void *scratch, const void **data, Err *err);

#endif
