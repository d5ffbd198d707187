#define _GNU_SOURCE
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/vec.h"

#define FILE_BUFFER_BYTES ((size_t)1024 * 1024)

void spool_init(Spool *spool, size_t memory_limit, const char *dir)
{
    *spool = (Spool){.memory_limit = memory_limit, .dir = dir, .fd = -1};
}

void spool_reset(Spool *spool)
{
    buf_clear(&spool->memory);
    if (spool->spilled && ftruncate(spool->fd, 0) != 0) {
        close(spool->fd);
        spool->fd = -1;
    }
    spool->spilled = false;
    spool->bytes = 0;
}

void spool_free(Spool *spool)
{
    buf_free(&spool->memory);
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
    spool->spilled = false;
    spool->bytes = 0;
}

void spool_take(Spool *from, Spool *to)
{
    *to = *from;
    spool_init(from, to->memory_limit, to->dir);
    vec_shrink(&to->memory.data, &to->memory.cap, to->memory.len, 1); /* a grown buffer has room left */
}

/* O_TMPFILE where the file system knows it, else a name that is removed at once. */
static int open_nameless(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    char *path = fs_join(dir, "spool-XXXXXX");
    if (path == NULL)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

static bool write_at(Spool *spool, uint64_t offset, const void *data, size_t len, Err *err)
{
    if (lseek(spool->fd, (off_t)offset, SEEK_SET) >= 0 && fs_write(spool->fd, data, len))
        return true;
    err_set_errno(err, ERR_STOP, errno, "cannot write a temporary file in %s", spool->dir);
    return err_hint(err, "make room there, or name another place with TMPDIR");
}

static bool flush(Spool *spool, Err *err)
{
    if (!write_at(spool, spool->bytes - spool->memory.len, spool->memory.data, spool->memory.len, err))
        return false;
    buf_clear(&spool->memory);
    return true;
}

/* A large piece, behind an empty buffer: the memory must not grow with it. */
static bool write_through(Spool *spool, const void *data, size_t len, Err *err)
{
    if (!write_at(spool, spool->bytes, data, len, err))
        return false;
    spool->bytes += len;
    return true;
}

static bool spill(Spool *spool, Err *err)
{
    if (spool->fd < 0)
        spool->fd = open_nameless(spool->dir);
    if (spool->fd < 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot make a temporary file in %s", spool->dir);
        return err_hint(err, "name another place with TMPDIR");
    }
    spool->spilled = true;
    return flush(spool, err);
}

bool spool_write(Spool *spool, const void *data, size_t len, Err *err)
{
    size_t limit = spool->spilled ? FILE_BUFFER_BYTES : spool->memory_limit;
    if (len > limit || spool->memory.len > limit - len) {
        if (!(spool->spilled ? flush(spool, err) : spill(spool, err)))
            return false;
    }
    if (spool->spilled && len > FILE_BUFFER_BYTES)
        return write_through(spool, data, len, err);
    if (!buf_append(&spool->memory, data, len, err))
        return false;
    spool->bytes += len;
    return true;
}

ptrdiff_t spool_view(Spool *spool, uint64_t offset, size_t want, void *scratch, const void **data, Err *err)
{
    uint64_t in_file = spool->spilled ? spool->bytes - spool->memory.len : 0;
    if (offset >= spool->bytes)
        return 0;
    if (offset >= in_file) {
        uint64_t left = spool->bytes - offset;
        *data = spool->memory.data + (offset - in_file);
        return (ptrdiff_t)(left < want ? left : want);
    }
    uint64_t left = in_file - offset;
    ssize_t got = fs_read_at(spool->fd, scratch, left < want ? (size_t)left : want, offset);
    if (got <= 0) {
        err_set_errno(err, ERR_STOP, got < 0 ? errno : EIO, "cannot read a temporary file in %s", spool->dir);
        return -1;
    }
    *data = scratch;
    return got;
}
