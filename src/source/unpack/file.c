#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "parts.h"

typedef struct FileOut {
    int fd;
    const char *path; /* for messages */
} FileOut;

static bool write_content(void *ctx, const void *data, size_t len, Err *err)
{
    const FileOut *file = ctx;
    return fs_write(file->fd, data, len) || err_set_errno(err, ERR_STOP, errno, "%s: cannot be written", file->path);
}

/* A time before 1970 has a negative second and a positive fraction. */
static struct timespec spec_of(int64_t ns)
{
    int64_t second = 1000000000, fraction = ns % second;
    return (struct timespec){.tv_sec = (time_t)(ns / second - (fraction < 0)),
                             .tv_nsec = (long)(fraction < 0 ? fraction + second : fraction)};
}

static bool finish(const FileOut *file, int64_t mtime_ns, Err *err)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, spec_of(mtime_ns)};
    if ((mtime_ns != 0 && futimens(file->fd, times) != 0) || fsync(file->fd) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: cannot be written", file->path);
    return true;
}

bool unpack_file(const StoredModel *info, UnpackSourceFn source, void *ctx, UnpackDest *dest, int64_t mtime_ns, Err *err)
{
    FileOut file = {.path = dest->path};
    UnpackOut out = {.content = write_content, .ctx = &file};
    file.fd = openat(dest->parent, dest->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file.fd < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: cannot be created", dest->path);
    dest->pending = true;
    bool ok = (info->has_digests ? unpack_stream(info, source, ctx, &out, err)
                                 : unpack_as_stored(source, ctx, write_content, &file, err)) &&
              finish(&file, mtime_ns, err);
    if (close(file.fd) != 0 && ok)
        ok = err_set_errno(err, ERR_STOP, errno, "%s: cannot be written", dest->path);
    return ok;
}
