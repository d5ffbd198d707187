/* unpack_parts.h: how the files of this stage divide the work. unpack.c decodes and checks; unpack_dest.c puts what is made at its place, whole
 * or not at all; unpack_file.c and unpack_tree.c write. */
#ifndef STAGE_UNPACK_PARTS_H
#define STAGE_UNPACK_PARTS_H

#include "base/buf.h"
#include "port/tar.h"
#include "stage/unpack.h"

/* Where the content goes. A NULL function: nowhere. */
typedef struct UnpackOut {
    SinkFn content;  /* bytes of a file model */
    SinkFn archive;  /* the decoded tar of a directory model */
    bool (*member)(void *ctx, const TarMember *member, Err *err); /* a member of a directory model, in strictly rising byte order */
    SinkFn data;     /* the bytes of the member; data NULL = it is complete */
    void *ctx;
} UnpackOut;

/* The whole payload to `out`, with all checks. info->has_digests is true. */
bool unpack_stream(const StoreInfo *info, UnpackSourceFn source, void *ctx, const UnpackOut *out, Err *err);

/* The payload's bytes as they are stored, to `sink`. For rows without digests: nothing is checked. */
bool unpack_as_stored(UnpackSourceFn source, void *ctx, SinkFn sink, void *sink_ctx, Err *err);

/* --- unpack_dest.c: a temporary name beside the destination, which takes its place at the end. */

typedef struct UnpackDest {
    const char *path;  /* borrowed, as the caller named it: for messages */
    int parent;        /* the directory that it stands in; -1 = not open */
    char name[256], temp[256];
    bool force;
    bool pending;      /* something may exist under the temporary name */
} UnpackDest;

bool unpack_dest_open(UnpackDest *dest, const char *path, bool force, Err *err); /* ERR_SKIP when it exists and force is false */
bool unpack_dest_commit(UnpackDest *dest, Err *err); /* rename, fsync of the parent, removal of what was there */
void unpack_dest_close(UnpackDest *dest); /* removes what was not committed; also after a failed open */

/* --- the two kinds of model, written under dest->temp. mtime_ns 0 = the time of the extraction. */

bool unpack_file(const StoreInfo *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, int64_t mtime_ns, Err *err);
bool unpack_tree(const StoreInfo *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, bool keep_mtime, Err *err);

#endif
