#include "records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/log.h"

#define READ_BYTES ((size_t)256 * 1024)
#define HEADER_MAX 64

/* What a pass over the file found. */
typedef struct Extent {
    uint64_t lines; /* below the header */
    uint64_t end; /* offset behind the last newline */
} Extent;

RecordHeader records_header(int fd, const char *header)
{
    char head[HEADER_MAX];
    size_t len = strlen(header);
    ssize_t got = fs_read_at(fd, head, len, 0);
    if (got < 0 || memcmp(head, header, (size_t)got) != 0)
        return RECORDS_UNKNOWN;
    return (size_t)got == len ? RECORDS_OURS : RECORDS_TORN;
}

static bool hand_on(char *line, size_t len, JournalFn fn, void *ctx, Err *err)
{
    JournalRecord record;
    return !journal_parse_line(line, len, &record) || fn(ctx, &record, err);
}

/* A line that does not fit in the buffer is nothing that we wrote: it is passed over up to its newline. */
static bool walk(const RecordFile *file, JournalFn fn, void *ctx, Extent *found, Err *err)
{
    uint64_t offset = strlen(file->header);
    size_t have = 0;
    bool ok = false, oversize = false;
    char *buffer = malloc(READ_BYTES);
    *found = (Extent){0, offset};
    if (buffer == NULL)
        return err_no_memory(err);
    for (;;) {
        if (!interrupt_check(err))
            goto out;
        ssize_t got = fs_read_at(file->fd, buffer + have, READ_BYTES - have, offset);
        if (got < 0)
            log_line(LOG_WARN, "%s: %s; the records behind byte %llu are lost", file->path, strerror(errno),
                     (unsigned long long)offset);
        if (got <= 0)
            break;
        offset += (uint64_t)got;
        have += (size_t)got;
        char *at = buffer, *end = buffer + have;
        for (char *newline; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1) {
            found->lines++;
            if (fn != NULL && !oversize && !hand_on(at, (size_t)(newline - at), fn, ctx, err))
                goto out;
            oversize = false;
        }
        have = (size_t)(end - at);
        if (at != buffer)
            found->end = offset - have;
        if (have == READ_BYTES) {
            oversize = true;
            have = 0;
        }
        memmove(buffer, at, have);
    }
    ok = true;
out:
    free(buffer);
    return ok;
}

bool records_walk(const RecordFile *file, JournalFn fn, void *ctx, Err *err)
{
    Extent found;
    return walk(file, fn, ctx, &found, err);
}

bool records_open(RecordFile *file, Err *err)
{
    file->fd = fs_open_private_file(file->path, O_APPEND, err);
    return file->fd >= 0;
}

bool records_adopt(RecordFile *file, JournalFn fn, void *ctx, Err *err)
{
    Extent found;
    struct stat st;
    if (!walk(file, fn, ctx, &found, err))
        return false;
    if (fstat(file->fd, &st) != 0 || ((uint64_t)st.st_size > found.end && ftruncate(file->fd, (off_t)found.end) != 0))
        return err_set_errno(err, ERR_STOP, errno, "cannot cut the torn end of %s", file->path);
    file->lines = found.lines;
    file->end = found.end;
    return true;
}

bool records_begin(RecordFile *file, Err *err)
{
    size_t len = strlen(file->header);
    if (ftruncate(file->fd, 0) != 0 || !fs_write(file->fd, file->header, len) || fdatasync(file->fd) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot begin %s", file->path);
        unlink(file->path);
        return false;
    }
    file->lines = 0;
    file->end = len;
    return fs_sync_parent(file->path, err);
}

static bool format_all(RecordFile *file, const JournalRecord *records, size_t count, uint64_t *lines, Err *err)
{
    buf_clear(&file->batch);
    *lines = 0;
    for (size_t i = 0; i < count; i++) {
        bool written;
        if (!journal_format_line(&file->batch, &records[i], &written, err))
            return false;
        *lines += written;
    }
    return true;
}

bool records_append(RecordFile *file, const JournalRecord *records, size_t count, bool *lost, Err *err)
{
    uint64_t lines;
    *lost = false;
    if (!format_all(file, records, count, &lines, err))
        return false;
    if (lines == 0)
        return true;
    if (!fs_write(file->fd, file->batch.data, file->batch.len)) {
        int why = errno;
        *lost = ftruncate(file->fd, (off_t)file->end) != 0;
        return err_set_errno(err, ERR_STOP, why, "cannot write %s", file->path);
    }
    if (fdatasync(file->fd) != 0) { /* a second one may succeed with the data gone */
        *lost = true;
        return err_set_errno(err, ERR_STOP, errno, "cannot write %s", file->path);
    }
    file->lines += lines;
    file->end += file->batch.len;
    return true;
}

void records_close(RecordFile *file)
{
    if (file->fd >= 0)
        close(file->fd);
    buf_free(&file->batch);
    free(file->path);
    *file = (RecordFile){.fd = -1};
}
