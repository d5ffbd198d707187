/* trail.h: what clean-ups were about to remove, and what they have removed: a record of each before and after, for people, and
 * for good. The file only grows: nothing ever rewrites or removes it. Format: docs/formats.md. One thread at a time. */
#ifndef STATE_TRAIL_H
#define STATE_TRAIL_H

#include "state/journal.h"

typedef struct Trail Trail;

/* Opens or creates; a torn end is cut off. ERR_STOP: a later version, or somebody else, wrote the file; planted symlink. */
bool trail_open(const char *path, Trail **out, Err *err);
void trail_close(Trail *trail);

/* Appends a record (JOURNAL_REMOVING or JOURNAL_REMOVED), durable when it returns. After a failed fsync it refuses all further
 * ones. ERR_STOP. */
bool trail_append(Trail *trail, const JournalRecord *record, Err *err);

/* Appends those that are not there yet, word for word. */
bool trail_adopt(Trail *trail, const JournalRecord *records, size_t count, Err *err);

/* Every good record, in the order written. Without the file there is none; creates and cuts nothing. */
bool trail_read(const char *path, JournalFn fn, void *ctx, Err *err);

#endif
