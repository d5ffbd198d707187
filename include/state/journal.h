/* journal.h: remembers which content a source had at which stamp, so that an unchanged file is not read again.
 *
 * Append-only text, one record a line, each with a CRC; the first line names format and version. It only saves time: a missing,
 * torn or damaged record means "unknown", never an error, and the store is asked in any case. Format: docs/formats.md. One thread
 * at a time. */
#ifndef STATE_JOURNAL_H
#define STATE_JOURNAL_H

#include "model/model.h"

/* JOURNAL_KNOWN is what a run remembers. REMOVING and REMOVED are the trail of `cleanup --apply`, for people: trail.h keeps it
 * for good, and a journal has such records only until it is rewritten, or from version 0.1.0. STORE names the store that all
 * records are about; nobody above sees it. */
typedef enum JournalEvent { JOURNAL_KNOWN, JOURNAL_REMOVING, JOURNAL_REMOVED, JOURNAL_STORE } JournalEvent;

#define JOURNAL_ID_MAX 64

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

/* Opens or creates. A file that is not a journal of a version that we know is set aside as `<path>.unknown` and a new one is
 * begun. ERR_STOP: cannot be opened, planted symlink. */
bool journal_open(const char *path, Journal **out, Err *err);
void journal_close(Journal *journal);

/* The record's strings are borrowed until the callback returns. */
typedef bool (*JournalFn)(void *ctx, const JournalRecord *record, Err *err);

/* The journal is about this store (store_identity; "" = not known: believed). One that is about another store is set aside as
 * `<path>.<its id>`, told once, and comes back when that store does. Call it before journal_read. ERR_STOP. */
bool journal_know_store(Journal *journal, const char *store_id, Err *err);

/* Every good record in the order written; a later one for the same path replaces an earlier one. The torn tail was dropped by
 * journal_open. Records that were made within the clock's granularity of a change are left out (journal_is_racy). */
bool journal_read(Journal *journal, JournalFn fn, void *ctx, Err *err);

/* The same for a dry run: creates, cuts and renames nothing. A missing or unknown file, or one about another store, has no
 * records. */
bool journal_peek(const char *path, const char *store_id, JournalFn fn, void *ctx, Err *err);

/* Appends records with one write and makes them durable. ERR_STOP: what was written in part is cut off again. After a failed
 * fsync, when nobody knows what the disk holds, the file is renamed to `<path>.failed` and the journal refuses all further
 * appends. A record whose line would pass 64 KiB is left out. */
bool journal_append(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* Record lines in the file, good or bad. */
uint64_t journal_lines(const Journal *journal);

/* Is a rewrite worth its while? `models`: how many records are needed at the least. */
bool journal_is_mostly_history(const Journal *journal, uint64_t models);

/* Replaces the whole file by these records, durably (temporary name, fsync, rename). On failure the old file stays as it was, or
 * the new one is renamed to `<path>.failed` when it could not be made durable in its place. */
bool journal_rewrite(Journal *journal, const JournalRecord *records, size_t count, Err *err);

/* A change within 2 s of the read (10 ms when the stamp shows fractions of a second) could have left the stamp as it is. For a
 * directory only mtime_ns counts. */
bool journal_is_racy(const JournalRecord *record);

#endif
