/* parts.h: how the files of this folder divide the work. decode.c decodes and checks; dest.c puts what is made at its place, whole
 * or not at all; replace.c tells what may be replaced; file.c and tree.c write; unpack.c calls them. */
#ifndef SOURCE_UNPACK_PARTS_H
#define SOURCE_UNPACK_PARTS_H

#include "base/buf.h"
#include "port/tar.h"
#include "source/unpack.h"

/* Where the content goes. A NULL function: nowhere. */
typedef struct UnpackOut {
    SinkFn content;  /* bytes of a file model */
    SinkFn archive;  /* the decoded tar of a directory model */
    bool (*member)(void *ctx, const TarMember *member, Err *err); /* a member of a directory model, in strictly rising byte order */
    SinkFn data;     /* the bytes of the member; data NULL = it is complete */
    Digest *members; /* of a directory model: its second digest (docs/formats.md), when all is right */
    void *ctx;
} UnpackOut;

/* --- decode.c */

/* The whole payload to `out`, with all checks. info->has_digests is true. */
bool unpack_stream(const StoredModel *info, UnpackSourceFn source, void *ctx, const UnpackOut *out, Err *err);

/* The payload's bytes as they are stored, to `sink`. For rows without digests: nothing is checked. */
bool unpack_as_stored(UnpackSourceFn source, void *ctx, SinkFn sink, void *sink_ctx, Err *err);

/* --- dest.c: a temporary name beside the destination, which takes its place at the end. */

typedef struct UnpackDest {
    const char *path;  /* borrowed, as the caller named it: for messages */
    int parent;        /* the directory that it stands in; -1 = not open */
    char name[256], temp[256];
    const StoredModel *info; /* what is to be there; borrowed */
    bool force;
    bool pending;      /* something may exist under the temporary name */
} UnpackDest;

/* ERR_SKIP when it exists and force is false, or it is neither file nor directory. With
 * force, a symbolic link stands for what it leads to. */
bool unpack_dest_open(UnpackDest *dest, const StoredModel *info, const char *path, bool force, Err *err);

/* Rename, fsync of the parent, removal of what was there. ERR_SKIP: a directory is there that holds what the new one does not. */
bool unpack_dest_commit(UnpackDest *dest, Err *err);
void unpack_dest_close(UnpackDest *dest); /* removes what was not committed; also after a failed open */

/* --- replace.c: may a directory go? *foreign: the path, in the directory `old`, of something that is not in `new` or is of
 * another kind there; links, special files and what is on another file system are always that. Empty: nothing is, or `old` is no
 * directory. Both names are in `parent`. ERR_SKIP, without the name of `old`: it cannot be examined. */
bool unpack_find_foreign(int parent, const char *old, const char *new, Buf *foreign, Err *err);

/* --- the two kinds of model, written under dest->temp. mtime_ns 0 = the time of the extraction. */

bool unpack_file(const StoredModel *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, int64_t mtime_ns, Err *err);
bool unpack_tree(const StoredModel *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, bool keep_mtime, Err *err);

#endif
