/* book.h: the version table and the log of a database. Inside a transaction, all of it. Private to schema/team. */
#ifndef SCHEMA_TEAM_BOOK_H
#define SCHEMA_TEAM_BOOK_H

#include "schema/migrate.h"
#include "store/database.h"

typedef struct BookRow {
    const char *id, *down, *slug, *message, *checksum, *downgrade; /* downgrade NULL: no way back */
    bool is_partial;
    uint32_t done;
} BookRow;

typedef struct BookRows {
    BookRow *items;
    size_t count, cap;
    Arena *arena;
} BookRows;

bool book_make(Store *store, const char *table, Err *err); /* both tables, where they are missing */
bool book_heads(Store *store, const char *table, Arena *arena, RevisionNames *out, Err *err); /* none when there is no table */
bool book_log(Store *store, const char *table, BookRows *out, Err *err);

/* *done false: the row is not there, or no more. */
bool book_add(Store *store, const char *table, const char *id, bool *done, Err *err);
bool book_move(Store *store, const char *table, const char *from, const char *to, bool *done, Err *err);
bool book_drop(Store *store, const char *table, const char *id, bool *done, Err *err);

/* In the place of what is recorded of it. done: statements, of a revision that is not whole yet; -1 = it is whole. */
bool book_record(Store *store, const char *table, const Revision *revision, long done, double seconds, Err *err);
bool book_forget(Store *store, const char *table, const char *id, Err *err);
bool book_accept(Store *store, const char *table, const Revision *revision, Err *err);

#endif
