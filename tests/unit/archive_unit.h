/* archive_unit.h: a source of archive bytes for tests, in pieces of any size, and files of the test's own folder. */
#ifndef ARCHIVE_UNIT_H
#define ARCHIVE_UNIT_H

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fs.h"
#include "unit.h"

typedef struct Pieces {
    const char *data;
    size_t len, piece, at; /* piece: bytes handed out at once */
    size_t fail_at;        /* the call that fails, counted from 1; 0 = none */
    size_t calls;
    const char *make_file; /* a file to make at the first call, or NULL */
    const char *make_fifo; /* … and a FIFO */
} Pieces;

static inline bool next_piece(void *ctx, const void **data, size_t *len, Err *err)
{
    Pieces *pieces = ctx;
    size_t left = pieces->len - pieces->at;
    if (++pieces->calls == pieces->fail_at)
        return err_set(err, ERR_RETRY, "the network is gone");
    if (pieces->calls == 1 && pieces->make_file != NULL)
        close(open(pieces->make_file, O_WRONLY | O_CREAT, 0600));
    if (pieces->calls == 1 && pieces->make_fifo != NULL)
        ck_assert_int_eq(mkfifo(pieces->make_fifo, 0600), 0);
    *len = left < pieces->piece ? left : pieces->piece;
    *data = *len == 0 ? NULL : pieces->data + pieces->at;
    pieces->at += *len;
    return true;
}

static inline Pieces pieces_of(const Buf *buf, size_t piece)
{
    return (Pieces){.data = buf->data, .len = buf->len, .piece = piece};
}

static inline bool archive_to_buf(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

/* What a shell command prints. */
static inline char *printed(const char *command)
{
    static char text[1 << 20];
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(text, 1, sizeof text - 1, pipe);
    text[len] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s", command);
    return text;
}

static inline void run_command(const char *command)
{
    ck_assert_msg(system(command) == 0, "%s", command);
}

#endif
