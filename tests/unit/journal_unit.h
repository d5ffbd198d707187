/* journal_unit.h: what the tests of the journal share. */
#ifndef JOURNAL_UNIT_H
#define JOURNAL_UNIT_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "state/journal.h"
#include "unit.h"

#define SECOND INT64_C(1000000000)
#define HEADER "migrate_models_to_db journal 1\n"

static Err err;

static inline void setup(void)
{
    log_set_level(LOG_ERROR);
}

static inline const char *in_temp(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", unit_temp_dir(), name);
    return path;
}

static inline const char *journal_path(void)
{
    return in_temp("journal");
}

static inline JournalRecord record_of(const char *path, const char *name, int32_t version)
{
    JournalRecord record = {.path = path, .name = name, .version = version};
    record.stamp = (Stamp){
        .dev = 7, .ino = UINT64_MAX - (uint64_t)version, .size = 123456789012, .mtime_ns = 1000 * SECOND + 5, .ctime_ns = -3};
    record.read_ns = 2000 * SECOND;
    for (size_t i = 0; i < DIGEST_BYTES; i++)
        record.content.byte[i] = (unsigned char)(i * 7 + (size_t)version);
    return record;
}

static inline bool same_record(const JournalRecord *a, const JournalRecord *b)
{
    return strcmp(a->path, b->path) == 0 && strcmp(a->name, b->name) == 0 && a->version == b->version && a->read_ns == b->read_ns &&
           a->is_directory == b->is_directory && digest_equal(&a->content, &b->content) && a->stamp.dev == b->stamp.dev &&
           a->stamp.ino == b->stamp.ino && a->stamp.size == b->stamp.size && a->stamp.mtime_ns == b->stamp.mtime_ns &&
           a->stamp.ctime_ns == b->stamp.ctime_ns;
}

/* Each record read must be one of `expected`, in their order. */
typedef struct Reader {
    const JournalRecord *expected;
    size_t count, next, seen;
    bool wrong;
} Reader;

static inline bool compare(void *ctx, const JournalRecord *record, Err *e)
{
    Reader *reader = ctx;
    (void)e;
    reader->seen++;
    while (reader->next < reader->count && !same_record(record, &reader->expected[reader->next]))
        reader->next++;
    if (reader->next++ >= reader->count)
        reader->wrong = true;
    return true;
}

static inline Reader read_all(Journal *journal, const JournalRecord *expected, size_t count)
{
    Reader reader = {.expected = expected, .count = count};
    ck_ok(journal_read(journal, compare, &reader, &err));
    return reader;
}

static inline Journal *open_new(void)
{
    Journal *journal = NULL;
    ck_ok(journal_open(journal_path(), &journal, &err));
    return journal;
}

static inline void put_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(fs_write(fd, data, len));
    close(fd);
}

static inline Buf get_file(const char *path)
{
    Buf buf = {0};
    ck_ok(fs_read_file(path, 1 << 30, &buf, &err));
    return buf;
}

/* Three records in the file; returns its bytes. */
static inline Buf three(JournalRecord records[3])
{
    records[0] = record_of("/models/a.joblib", "a", 1);
    records[1] = record_of("/models/b c%\n.joblib", "b c%\t", 2);
    records[2] = record_of("/models/\xc3\xa4.joblib", "\xc3\xa4", 3);
    records[1].is_directory = true;
    unlink(journal_path());
    Journal *journal = open_new();
    ck_ok(journal_append(journal, records, 3, &err));
    journal_close(journal);
    return get_file(journal_path());
}

#endif
