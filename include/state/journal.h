/* journal.h: remembers which content a source had at which stamp, so that an unchanged file is not read again.
 *
 * Append-only text, one record a line, each with a CRC; the first line names format and version. It only saves time: a missing,
 * torn or damaged record means "unknown", never an error, and the store is asked in any case. Format: docs/formats.md. One thread
 * at a time. */
#ifndef STATE_JOURNAL_H
#define STATE_JOURNAL_H

#include "model/model.h"

/* JOURNAL_KNOWN is what a run remembers. The others are the trail of `cleanup --apply`, for people. */
typedef enum JournalEvent { JOURNAL_KNOWN, JOURNAL_REMOVING, JOURNAL_REMOVED } JournalEvent;

typedef struct JournalRecord {
    JournalEvent event;
    const char *path; /* absolute path of the source, as on disk */
    Stamp stamp;
    int64_t read_ns;  /* when the read began */
    Digest content, members;
    bool has_members; /* of a directory: members_sha256 is known */
    const char *name; /* for people; not used to decide; NULL is written as "" */
    int32_t version;
    bool is_directory; /* the stamp is a directory's: its ctime_ns is a hash, not a time */
} JournalRecord;

/* What is known of a model whose content is known. Borrows path (absolute) and the model's name. */
JournalRecord journal_record_of(const Model *model, const char *path, const Stamp *stamp, int64_t read_ns);

typedef struct Journal Journal;

/* Opens or creates. A file that is not a journal of a version that we know is set aside as `<path>.unknown` and a new one is begun.
 * ERR_STOP: cannot be opened, planted symlink. */
bool journal_open(const char *path, Journal **out, Err *err);
void journal_close(Journal *journal);

/* The record's strings are borrowed until the callback returns. */
typedef bool (*JournalFn)(void *ctx, const JournalRecord *record, Err *err);

/* Every good record in the order written; a later one for the same path replaces an earlier one. The torn tail was dropped by
 * journal_open. Records that were made within the clock's granularity of a change are left out (journal_is_racy). */
bool journal_read(Journal *journal, JournalFn fn, void *ctx, Err *err);

/* The same for a dry run: creates, cuts and renames nothing. A missing or unknown file has no records. */
bool journal_peek(const char *path, JournalFn fn, void *ctx, Err *err);

/* Appends records with one write and makes them durable. After a failure the file is removed, since what it says cannot be trusted,
 * and the journal refuses all further appends with ERR_STOP. A record whose line would pass 64 KiB is left out. */
bool journal_append(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* Record lines in the file, good or bad: tells when a rewrite is worth it. */
uint64_t journal_lines(const Journal *journal);

/* Replaces the whole file by these records, durably (temporary name, fsync, rename). On failure the old file stays as it was, or is
 * removed when the new one could not be made durable in its place. */
bool journal_rewrite(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* A change within 2 s of the read (10 ms when the stamp shows fractions of a second) could have left the stamp as it is. For a
 * directory only mtime_ns counts. */
bool journal_is_racy(const JournalRecord *record);

#endif
