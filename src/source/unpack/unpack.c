#include "source/unpack.h"

#include <errno.h>

#include "base/interrupt.h"
#include "base/userfile.h"
#include "parts.h"

bool unpack_from_store(void *ctx, const void **data, size_t *len, Err *err)
{
    return interrupt_check(err) && store_fetch_next(ctx, data, len, err);
}

bool unpack_verify(const StoredModel *info, UnpackSourceFn source, void *ctx, Digest *members, Err *err)
{
    UnpackOut nowhere = {.members = members};
    if (!info->has_digests)
        return err_set(err, ERR_SKIP, "%s@%d: the row records no digest to check against", info->name, (int)info->version);
    return unpack_stream(info, source, ctx, &nowhere, err);
}

bool unpack_to_path(const StoredModel *info, UnpackSourceFn source, void *ctx, const char *dest, const UnpackOptions *options,
                    Err *err)
{
    UnpackDest place;
    int64_t mtime_ns = options->no_mtime ? 0 : info->source_mtime_ns;
    bool ok = unpack_dest_open(&place, info, dest, options->force, err) &&
              (info->has_digests && info->is_tar ? unpack_tree(info, source, ctx, &place, !options->no_mtime, err)
                                                 : unpack_file(info, source, ctx, &place, mtime_ns, err)) &&
              unpack_dest_commit(&place, err);
    unpack_dest_close(&place);
    return ok;
}

static bool write_fd(void *ctx, const void *data, size_t len, Err *err)
{
    if (userfile_put(*(const int *)ctx, data, len))
        return true;
    int why = errno;
    return why == EINTR && !interrupt_check(err) ? false : err_set_errno(err, ERR_STOP, why, "cannot write the output");
}

bool unpack_to_fd(const StoredModel *info, UnpackSourceFn source, void *ctx, int fd, Err *err)
{
    UnpackOut out = {.content = write_fd, .archive = write_fd, .ctx = &fd};
    return info->has_digests ? unpack_stream(info, source, ctx, &out, err) : unpack_as_stored(source, ctx, write_fd, &fd, err);
}
