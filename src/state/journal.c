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
#include "base/text.h"
#include "records.h"

#define REWRITE_BYTES ((size_t)1024 * 1024)
#define REWRITE_SLACK 1000 /* lines */
#define FAILED_MAX 1000

#define RACY_FINE_NS INT64_C(10000000) /* the kernel stamps files by a clock that ticks every 1 to 10 ms */
#define RACY_COARSE_NS INT64_C(2000000000) /* whole seconds; FAT counts in twos */

struct Journal {
    RecordFile file; /* fd -1 after a failed fsync: the file has another name */
    int errnum; /* why */
    char store_id[JOURNAL_ID_MAX]; /* of the last JOURNAL_STORE, "" = none */
    uint64_t kept; /* records that the last rewrite found to be needed */
};

bool journal_is_racy(const JournalRecord *record)
{
    int64_t changed = record->stamp.mtime_ns;
    int64_t tick = changed % 1000000000 != 0 ? RACY_FINE_NS : RACY_COARSE_NS;
    if (!record->is_directory && record->stamp.ctime_ns > changed)
        changed = record->stamp.ctime_ns;
    return changed > INT64_MAX - tick || changed + tick > record->read_ns;
}

/* --- opening ----------------------------------------------------------------------------------------------------------------- */

static bool note_store(void *ctx, const JournalRecord *record, Err *err)
{
    Journal *journal = ctx;
    (void)err;
    if (record->event == JOURNAL_STORE) {
        text_copy(journal->store_id, sizeof journal->store_id, record->name);
        journal->kept = record->stamp.size;
    }
    return true;
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

static bool open_file(Journal *journal, Err *err)
{
    RecordFile *file = &journal->file;
    journal->store_id[0] = '\0';
    journal->kept = 0;
    if (!records_open(file, err))
        return false;
    RecordHeader header = records_header(file->fd, JOURNAL_HEADER);
    if (header == RECORDS_OURS)
        return records_adopt(file, note_store, journal, err);
    if (header == RECORDS_UNKNOWN) {
        if (!set_aside(file->path, err))
            return false;
        close(file->fd);
        file->fd = fs_open_private_file(file->path, O_APPEND | O_EXCL, err);
        if (file->fd < 0)
            return false;
    }
    return records_begin(file, err);
}

bool journal_open(const char *path, Journal **out, Err *err)
{
    Journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        return err_no_memory(err);
    journal->file = (RecordFile){.fd = -1, .header = JOURNAL_HEADER, .path = strdup(path)};
    if (journal->file.path == NULL) {
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
    records_close(&journal->file);
    free(journal);
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

typedef struct Filter {
    JournalFn fn;
    void *ctx;
} Filter;

static bool pass_on(void *ctx, const JournalRecord *record, Err *err)
{
    const Filter *filter = ctx;
    if (record->event == JOURNAL_STORE || (record->event == JOURNAL_KNOWN && journal_is_racy(record)))
        return true;
    return filter->fn(filter->ctx, record, err);
}

bool journal_read(Journal *journal, JournalFn fn, void *ctx, Err *err)
{
    Filter filter = {.fn = fn, .ctx = ctx};
    return journal->file.fd < 0 || records_walk(&journal->file, pass_on, &filter, err);
}

static bool is_of_another_store(const Journal *journal, const char *store_id)
{
    return journal->store_id[0] != '\0' && store_id[0] != '\0' && strcmp(journal->store_id, store_id) != 0;
}

bool journal_peek(const char *path, const char *store_id, JournalFn fn, void *ctx, Err *err)
{
    struct stat st;
    Filter filter = {.fn = fn, .ctx = ctx};
    Journal journal = {.file = {.header = JOURNAL_HEADER, .path = (char *)path}};
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot open %s", path);
    journal.file.fd = fd;
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && records_header(fd, JOURNAL_HEADER) == RECORDS_OURS;
    bool ok = !ours || records_walk(&journal.file, note_store, &journal, err);
    if (ok && ours && !is_of_another_store(&journal, store_id))
        ok = records_walk(&journal.file, pass_on, &filter, err);
    close(fd);
    return ok;
}

uint64_t journal_lines(const Journal *journal)
{
    return journal->file.lines;
}

bool journal_is_mostly_history(const Journal *journal, uint64_t models)
{
    uint64_t needed = journal->kept > models ? journal->kept : models;
    return journal->file.lines > 2 * needed + REWRITE_SLACK;
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

/* A name that is free: an earlier one is kept as well. */
static bool rename_failed(const char *path, Buf *name, Err *err)
{
    struct stat st;
    for (int i = 0; i < FAILED_MAX; i++) {
        buf_clear(name);
        if (!buf_format(name, err, i == 0 ? "%s.failed" : "%s.failed.%d", path, i))
            return false;
        if (lstat(name->data, &st) != 0 && errno == ENOENT)
            return rename(path, name->data) == 0 && fs_sync_parent(path, err);
    }
    return false;
}

/* Nobody knows what the disk holds. */
static bool give_up(Journal *journal, int errnum, Err *err)
{
    Buf name = {0};
    bool renamed = rename_failed(journal->file.path, &name, NULL);
    close(journal->file.fd);
    journal->file.fd = -1;
    journal->errnum = errnum;
    err_set_errno(err, ERR_STOP, errnum, "cannot write the journal %s", journal->file.path);
    if (renamed)
        err_hint(err, "it is kept as %s; what is stored is safe, and the next run reads all models again", name.data);
    buf_free(&name);
    return false;
}

static bool check_usable(const Journal *journal, Err *err)
{
    return journal->file.fd >= 0 ||
           err_set_errno(err, ERR_STOP, journal->errnum, "%s: a write to the journal failed before", journal->file.path);
}

bool journal_append(Journal *journal, const JournalRecord *records, size_t count, Err *err)
{
    Err why = {0};
    bool lost;
    if (!check_usable(journal, err))
        return false;
    if (records_append(&journal->file, records, count, &lost, &why))
        return true;
    if (lost)
        return give_up(journal, why.errnum, err);
    if (err != NULL)
        *err = why;
    return err_hint(err, "what is stored is safe; make room there");
}

static JournalRecord store_record(const char *store_id, uint64_t kept)
{
    return (JournalRecord){.event = JOURNAL_STORE, .name = store_id, .path = "store", .stamp = {.size = kept}};
}

static bool write_line(AtomicFile *file, Buf *buffer, const JournalRecord *record, uint64_t *lines, Err *err)
{
    bool written;
    if (!journal_format_line(buffer, record, &written, err))
        return false;
    *lines += written;
    if (buffer->len < REWRITE_BYTES)
        return true;
    bool ok = atomic_file_write(file, buffer->data, buffer->len, err);
    buf_clear(buffer);
    return ok;
}

/* Header and records to a new file, in pieces, so that a million records need no more memory than a few. */
static bool write_records(AtomicFile *file, Buf *buffer, const JournalRecord *head, const JournalRecord *records, size_t count,
                          uint64_t *lines, Err *err)
{
    buf_clear(buffer);
    *lines = 0;
    if (!buf_text(buffer, JOURNAL_HEADER, err) || !write_line(file, buffer, head, lines, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!write_line(file, buffer, &records[i], lines, err))
            return false;
    return atomic_file_write(file, buffer->data, buffer->len, err);
}

/* The file that has the name now, durably or not. */
static void take_new_file(Journal *journal, AtomicFile *file, uint64_t lines, uint64_t kept)
{
    struct stat st;
    close(journal->file.fd);
    journal->file.fd = file->fd;
    journal->file.lines = lines;
    journal->file.end = fstat(file->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    journal->kept = kept;
    file->fd = -1;
}

bool journal_rewrite(Journal *journal, const JournalRecord *records, size_t count, Err *err)
{
    AtomicFile file = {.fd = -1};
    JournalRecord head = store_record(journal->store_id, count);
    Err why = {0};
    uint64_t lines = 0;
    if (!check_usable(journal, err))
        return false;
    bool ok = atomic_file_open(&file, journal->file.path, 0600, &why) &&
              write_records(&file, &journal->file.batch, &head, records, count, &lines, &why) && atomic_file_commit(&file, &why);
    bool renamed = file.fd >= 0 && file.temp == NULL;
    if (renamed)
        take_new_file(journal, &file, lines, count);
    if (renamed && !ok)
        give_up(journal, why.errnum, &why);
    atomic_file_close(&file);
    if (!ok && err != NULL)
        *err = why;
    return ok;
}

/* --- whose it is ------------------------------------------------------------------------------------------------------------- */

/* The journal of the store that was here goes aside, and that of the one that is here now comes back, if it was here before. */
static bool change_store(Journal *journal, const char *store_id, Err *err)
{
    const char *path = journal->file.path;
    Buf other = {0}, mine = {0};
    bool ok = buf_format(&other, err, "%s.%s", path, journal->store_id) && buf_format(&mine, err, "%s.%s", path, store_id);
    if (ok && rename(path, other.data) != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "cannot rename %s to %s", path, other.data);
    if (ok && rename(mine.data, path) != 0 && errno != ENOENT)
        ok = err_set_errno(err, ERR_STOP, errno, "cannot rename %s to %s", mine.data, path);
    if (ok) {
        log_line(LOG_WARN, "another store has this address now: it is %s, and was %s, whose journal is kept as %s", store_id,
                 journal->store_id, other.data);
        close(journal->file.fd);
        journal->file.fd = -1;
        ok = open_file(journal, err);
    }
    buf_free(&other);
    buf_free(&mine);
    return ok;
}

bool journal_know_store(Journal *journal, const char *store_id, Err *err)
{
    if (store_id[0] == '\0' || strcmp(journal->store_id, store_id) == 0)
        return true;
    if (is_of_another_store(journal, store_id) && !change_store(journal, store_id, err))
        return false;
    if (strcmp(journal->store_id, store_id) == 0)
        return true;
    JournalRecord record = store_record(store_id, journal->kept);
    if (!journal_append(journal, &record, 1, err))
        return false;
    text_copy(journal->store_id, sizeof journal->store_id, store_id);
    return true;
}
