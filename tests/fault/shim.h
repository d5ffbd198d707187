/* shim.h: what the two halves of the shim share: shim_note.c counts and decides, shim.c wraps the functions. */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stddef.h>

typedef enum Class {
    OP_OPEN,
    OP_MKDIR,
    OP_READ,
    OP_WRITE,
    OP_SYNC,
    OP_RENAME,
    OP_UNLINK,
    OP_TRUNCATE,
    OP_CHMOD,
    OP_READDIR,
    OP_STAT,
    OP_SEND,
    OP_RECV,
    OP_ALLOC,
    OP_ANY,
    OP_COUNT
} Class;

typedef enum Action { PASS, FAIL, SHORT, KILL_AFTER, CUT_AFTER } Action;

/* Counts one operation, and tells what to do with it. name NULL: `dir` is the descriptor itself. */
Action shim_note(Class class, bool durable, int dir, const char *name, const void *data, size_t data_len);

/* True, with errno set, when the operation is not to be made. */
bool shim_fails(Action action);

/* The result of an operation that was let through. */
long shim_done(Action action, long result);

bool shim_inside(void); /* the shim itself is at work */
bool shim_active(void); /* allocations are counted */
extern unsigned long shim_refused[2]; /* sizes that no realloc gets */

#endif
