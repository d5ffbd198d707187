/* value.h: values of a row as the file has them. A hostile file may have anything anywhere. */
#ifndef STORE_SQLITE_VALUE_H
#define STORE_SQLITE_VALUE_H

#include "../sqlite.h"

/* "2026-03-01 12:00:00.123456", UTC, as SQLAlchemy and Python's sqlite3 write it; rounded down to a microsecond. */
#define SQLITE_TIME_SIZE 40
void sqlite_time_text(char out[SQLITE_TIME_SIZE], int64_t ns);

/* The same, without fraction, with `T`, with `Z` or an offset too. False: it is no time, and *ns is 0, or it is out of range, and
 * *ns is the last one that is not. */
bool sqlite_time_ns(const char *text, int64_t *ns);

/* "" for NULL, and for what is no text of UTF-8 without NUL. */
const char *sqlite_text(sqlite3_stmt *row, int column);

/* A name that can be one of ours: UTF-8 without NUL. Else NULL. */
const char *sqlite_name(sqlite3_stmt *row, int column);

uint64_t sqlite_size(sqlite3_stmt *row, int column); /* 0 for what is no number of bytes */
bool sqlite_digest(sqlite3_stmt *row, int column, Digest *out); /* false: there is none */

/* Values of a statement; NULL becomes NULL. Texts and digests must live until it is reset. */
int sqlite_bind_text(sqlite3_stmt *statement, int number, const char *text);

/* A text for people, which is copied: what is no UTF-8 in it is escaped, NULL and "" become NULL. SQLITE_NOMEM is possible. */
int sqlite_bind_note(sqlite3_stmt *statement, int number, const char *text);
int sqlite_bind_digest(sqlite3_stmt *statement, int number, const Digest *digest);

#endif
