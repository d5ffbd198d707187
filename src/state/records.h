/* records.h: a file that grows by lines, each a record with its CRC, below a first line that names format and version. Private to
 * state/: the journal and the trail are such files. One thread at a time. */
#ifndef STATE_RECORDS_H
#define STATE_RECORDS_H

#include "journal_format.h"

/* Zero-initialise, fd -1. */
typedef struct RecordFile {
    char *path; /* owned */
    const char *header; /* with its newline */
    int fd;
    uint64_t lines, end; /* below the header, good or bad; bytes up to the last newline */
    Buf batch;
} RecordFile;

typedef enum RecordHeader {
    RECORDS_OURS,
    RECORDS_TORN, /* the file ends inside our own header: torn at birth */
    RECORDS_UNKNOWN /* of another version, or something else, or it cannot be read */
} RecordHeader;

RecordHeader records_header(int fd, const char *header);

/* Every good record to fn, in the order written; the strings are borrowed until it returns. A line that is none of ours is passed
 * over, a read error ends the file there. False only when fn says so, memory ends or a signal came. */
bool records_walk(const RecordFile *file, JournalFn fn, void *ctx, Err *err);

/* Opens the file for appending, 0600, made if need be. ERR_STOP: planted, or of another user. */
bool records_open(RecordFile *file, Err *err);

/* An open file whose header is ours: walks it, and cuts its torn end. fn may be NULL. */
bool records_adopt(RecordFile *file, JournalFn fn, void *ctx, Err *err);

/* An open file without records: empties it and makes header and name durable. */
bool records_begin(RecordFile *file, Err *err);

/* Appends records with one write and makes them durable. A record whose line would be over JOURNAL_LINE_MAX is left out. ERR_STOP:
 * what was written in part is cut off again, and the file is as it was; *lost: it is not, nobody knows what the disk holds. */
bool records_append(RecordFile *file, const JournalRecord *records, size_t count, bool *lost, Err *err);

void records_close(RecordFile *file);

#endif
