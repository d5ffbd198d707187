/* pack_parts.h: how pack*.c divide the work. pack.c reads a source and makes what is stored of it; pack_plain.c makes the plain
 * form of a file. Private to pack*.c. */
#ifndef SOURCE_PACK_PARTS_H
#define SOURCE_PACK_PARTS_H

#include <sys/stat.h>

#include "pickle/plain.h"
#include "port/gzip.h"
#include "source/pack.h"
#include "whole.h"

#define PIECE_BYTES ((size_t)256 * 1024) /* stays in the second-level cache between hash and deflate */

struct Packer {
    PackSettings settings;
    Deflater *deflater; /* NULL when level is 0 */
    Inflater *inflater; /* made when a compressed source comes */
    bool inflating;     /* the source in hand passes through it; its output goes nowhere */
    bool busy;
    Whole whole;
    Sha256 *content_sha, *stored_sha, *member_sha, *members_sha;
    PlainWriter *plain_writer; /* made with plain_reader when the first plain form is wanted */
    PlainReader *plain_reader;
    unsigned char *piece;
    Spool spool;
    uint64_t stored_bytes;
};

/* One attempt at one source. `changed` asks for another one. */
typedef struct Attempt {
    Packer *packer;
    const Model *model;
    bool changed;
    Packed packed;
} Attempt;

/* --- pack.c */

/* Sends the whole file to `sink` while hashing it into `sha`. Exactly the size that `before` says, else *changed. The first piece
 * is in packer->piece already when `head` > 0. */
bool pack_read(Attempt *try, int fd, const struct stat *before, size_t head, Sha256 *sha, SinkFn sink, void *ctx, Err *err);

bool pack_begin_stored(Packer *packer, Err *err);

/* Every payload byte passes here: counted, hashed, spooled. ctx: the packer. */
bool pack_take_stored(void *ctx, const void *data, size_t len, Err *err);

/* --- pack_plain.c */

/* The file in its plain form (pickle/plain.h), proven: what it gives back is the content. *made false: it has none, and
 * packed.no_plain says why; what was read is to be read again then. The first piece is in packer->piece. */
bool pack_plain(Attempt *try, int fd, const struct stat *st, size_t head, bool *made, Err *err);

#endif
