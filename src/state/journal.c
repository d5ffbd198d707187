#include "state/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/log.h"
#include "journal_format.h"

#define READ_BYTES ((size_t)256 * 1024)
#define REWRITE_BYTES ((size_t)1024 * 1024)

#define RACY_FINE_NS INT64_C(10000000)     /* the kernel stamps files by a clock that ticks every 1 to 10 ms */
#define RACY_COARSE_NS INT64_C(2000000000) /* whole seconds; FAT counts in twos */

struct Journal {
    char *path;
    int fd;         /* -1 after a failed write: the file is gone */
    int errnum;     /* why */
    uint64_t lines; /* below the header */
    Buf batch;
};

bool journal_is_racy(const JournalRecord *record)
{
    int64_t changed = record->stamp.mtime_ns;
    int64_t tick = changed % 1000000000 != 0 ? RACY_FINE_NS : RACY_COARSE_NS;
    if (!record->is_directory && record->stamp.ctime_ns > changed)
        changed = record->stamp.ctime_ns;
    return changed > INT64_MAX - tick || changed + tick > record->read_ns;
}

/* What a pass over the file found. */
typedef struct Extent {
    uint64_t lines; /* below the header */
    uint64_t end;   /* offset behind the last newline */
} Extent;

static bool hand_on(char *line, size_t len, JournalFn fn, void *ctx, Err *err)
{
    JournalRecord record;
    if (!journal_parse_line(line, len, &record) || (record.event == JOURNAL_KNOWN && journal_is_racy(&record)))
        return true;
    return fn(ctx, &record, err);
}

/* Walks the lines behind the header, each to `fn` if there is one. A line that does not fit in the buffer is nothing that we wrote:
 * it is passed over up to its newline. A read error ends the file there. False only when fn says so or memory ends. */
static bool walk_lines(int fd, const char *path, JournalFn fn, void *ctx, Extent *found, Err *err)
{
    uint64_t offset = JOURNAL_HEADER_LEN;
    size_t have = 0;
    bool ok = false, oversize = false;
    char *buffer = malloc(READ_BYTES);
    *found = (Extent){0, offset};
    if (buffer == NULL)
        return err_no_memory(err);
    for (;;) {
        ssize_t got = fs_read_at(fd, buffer + have, READ_BYTES - have, offset);
        if (got < 0)
            log_line(LOG_WARN, "%s: %s; the records behind byte %llu are lost", path, strerror(errno), (unsigned long long)offset);
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

typedef enum HeaderState { HEADER_OURS, HEADER_TORN, HEADER_UNKNOWN } HeaderState;

/* A file that ends inside our own header was torn at birth. One that cannot be read is as good as unknown. */
static HeaderState check_header(int fd)
{
    char head[JOURNAL_HEADER_LEN];
    ssize_t got = fs_read_at(fd, head, sizeof head, 0);
    if (got < 0 || memcmp(head, JOURNAL_HEADER, (size_t)got) != 0)
        return HEADER_UNKNOWN;
    return (size_t)got == sizeof head ? HEADER_OURS : HEADER_TORN;
}

static bool begin_file(int fd, const char *path, Err *err)
{
    if (ftruncate(fd, 0) != 0 || !fs_write(fd, JOURNAL_HEADER, JOURNAL_HEADER_LEN) || fdatasync(fd) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot begin the journal %s", path);
        unlink(path);
        return false;
    }
    return fs_sync_parent(path, err);
}

static bool set_aside(const char *path, Err *err)
{
    Buf unknown = {0};
    bool ok = buf_format(&unknown, err, "%s.unknown", path);
    if (ok) {
        ok = rename(path, unknown.data) == 0 || err_set_errno(err, ERR_STOP, errno, "cannot rename %s to %s", path, unknown.data);
        if (ok)
            log_line(LOG_WARN, "%s is not a journal that this version can read; it is kept as %s, and all models are read again",
                     path, unknown.data);
    }
    buf_free(&unknown);
    return ok;
}

static bool adopt_file(Journal *journal, Err *err)
{
    Extent found;
    struct stat st;
    if (!walk_lines(journal->fd, journal->path, NULL, NULL, &found, err))
        return false;
    if (fstat(journal->fd, &st) != 0 || ((uint64_t)st.st_size > found.end && ftruncate(journal->fd, (off_t)found.end) != 0))
        return err_set_errno(err, ERR_STOP, errno, "cannot cut the torn end of %s", journal->path);
    journal->lines = found.lines;
    return true;
}

static bool open_file(Journal *journal, Err *err)
{
    journal->fd = fs_open_private_file(journal->path, O_APPEND, err);
    if (journal->fd < 0)
        return false;
    HeaderState state = check_header(journal->fd);
    if (state == HEADER_OURS)
        return adopt_file(journal, err);
    if (state == HEADER_UNKNOWN) {
        if (!set_aside(journal->path, err))
            return false;
        close(journal->fd);
        journal->fd = fs_open_private_file(journal->path, O_APPEND | O_EXCL, err);
        if (journal->fd < 0)
            return false;
    }
    return begin_file(journal->fd, journal->path, err);
}

bool journal_open(const char *path, Journal **out, Err *err)
{
    Journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return err_no_memory(err);
    journal->fd = -1;
    journal->path = strdup(path);
    if (journal->path == NULL) {
        err_no_memory(err);
    } else if (open_file(journal, err)) {
        *out = journal;
        return true;
    }
    journal_close(journal);
    return false;
}

void journal_close(Journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->fd >= 0)
        close(journal->fd);
    buf_free(&journal->batch);
    free(journal->path);
    free(journal);
}

bool journal_read(Journal *journal, JournalFn fn, void *ctx, Err *err)
{
    Extent found;
    return journal->fd < 0 || walk_lines(journal->fd, journal->path, fn, ctx, &found, err);
}

bool journal_peek(const char *path, JournalFn fn, void *ctx, Err *err)
{
    Extent found;
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot open %s", path);
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && check_header(fd) == HEADER_OURS;
    bool ok = !ours || walk_lines(fd, path, fn, ctx, &found, err);
    close(fd);
    return ok;
}

uint64_t journal_lines(const Journal *journal)
{
    return journal->lines;
}

/* After a failed write or fsync nobody knows what the disk holds, and a second fsync may succeed with the data gone. */
static bool give_up(Journal *journal, int errnum, Err *err)
{
    unlink(journal->path);
    close(journal->fd);
    journal->fd = -1;
    journal->errnum = errnum;
    err_set_errno(err, ERR_STOP, errnum, "cannot write the journal %s", journal->path);
    return err_hint(err, "the journal is removed; what is stored is safe, and the next run reads all models again");
}

static bool check_usable(const Journal *journal, Err *err)
{
    return journal->fd >= 0 ||
           err_set_errno(err, ERR_STOP, journal->errnum, "%s: a write to the journal failed before", journal->path);
}

bool journal_append(Journal *journal, const JournalRecord *records, size_t count, Err *err)
{
    uint64_t lines = 0;
    if (!check_usable(journal, err))
        return false;
    buf_clear(&journal->batch);
    for (size_t i = 0; i < count; i++) {
        bool written;
        if (!journal_format_line(&journal->batch, &records[i], &written, err))
            return false;
        lines += written;
    }
    if (lines == 0)
        return true;
    if (!fs_write(journal->fd, journal->batch.data, journal->batch.len) || fdatasync(journal->fd) != 0)
        return give_up(journal, errno, err);
    journal->lines += lines;
    return true;
}

/* Header and records to a new file, in pieces, so that a million records need no more memory than a few. */
static bool write_records(AtomicFile *file, Buf *buffer, const JournalRecord *records, size_t count, uint64_t *lines, Err *err)
{
    buf_clear(buffer);
    *lines = 0;
    if (!buf_text(buffer, JOURNAL_HEADER, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool written;
        if (!journal_format_line(buffer, &records[i], &written, err))
            return false;
        *lines += written;
        if (buffer->len < REWRITE_BYTES)
            continue;
        if (!atomic_file_write(file, buffer->data, buffer->len, err))
            return false;
        buf_clear(buffer);
    }
    return atomic_file_write(file, buffer->data, buffer->len, err);
}

/* The file that has the name now, durably or not. */
static void take_new_file(Journal *journal, AtomicFile *file, uint64_t lines)
{
    close(journal->fd);
    journal->fd = file->fd;
    journal->lines = lines;
    file->fd = -1;
}

bool journal_rewrite(Journal *journal, const JournalRecord *records, size_t count, Err *err)
{
    AtomicFile file = {.fd = -1};
    Err why = {0};
    uint64_t lines = 0;
    if (!check_usable(journal, err))
        return false;
    bool ok = atomic_file_open(&file, journal->path, 0600, &why) &&
              write_records(&file, &journal->batch, records, count, &lines, &why) && atomic_file_commit(&file, &why);
    bool renamed = file.fd >= 0 && file.temp == NULL;
    if (renamed)
        take_new_file(journal, &file, lines);
    if (renamed && !ok)
        give_up(journal, why.errnum, &why);
    atomic_file_close(&file);
    if (!ok && err != NULL)
        *err = why;
    return ok;
}
