/* journal.h: remembers which content a source had at which stamp, so that an unchanged file is not read again.
 *
 * Append-only text, one record a line, each with a CRC; the first line names format and version. It only saves time: a missing, torn or
 * damaged record means "unknown", never an error, and the store is asked in any case. Format: docs/formats.md. One thread at a time. */
#ifndef STAGE_JOURNAL_H
#define STAGE_JOURNAL_H

#include "stage/model.h"

typedef struct JournalRecord {
    const char *path; /* absolute path of the source, as on disk */
    Stamp stamp;
    int64_t read_ns;  /* when the read began */
    Digest content;
    const char *name; /* for people; not used to decide */
    int32_t version;
} JournalRecord;

typedef struct Journal Journal;

/* Opens or creates. A file that is not a journal of a version that we know is set aside as `<path>.unknown` and a new one is begun.
 * ERR_STOP: cannot be opened, planted symlink. */
bool journal_open(const char *path, Journal **out, Err *err);
void journal_close(Journal *journal);

typedef bool (*JournalFn)(void *ctx, const JournalRecord *record, Err *err);

/* Every good record in the order written; a later one for the same path replaces an earlier one. Drops the torn tail from the file.
 * Records that were made within the clock's granularity of a change are left out (journal_is_racy). */
bool journal_read(Journal *journal, JournalFn fn, void *ctx, Err *err);

/* Appends records with one write and makes them durable. After a failure the file is removed: what it says cannot be trusted. */
bool journal_append(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* Lines in the file, good or bad: tells when a rewrite is worth it. */
uint64_t journal_lines(const Journal *journal);

/* Replaces the whole file by these records, durably (temporary name, fsync, rename). */
bool journal_rewrite(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* A change within 2 s of the read (10 ms when the stamp shows nanoseconds) could have left the stamp as it is. */
bool journal_is_racy(const Stamp *stamp, int64_t read_ns);

#endif
