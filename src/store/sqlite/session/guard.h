/* guard.h: what a file defines is what this program defined there.
 *
 * A file may come from anybody. Its triggers and views run inside of our statements: those on our tables must be ours, word for
 * word, and our names must be those of plain tables. */
#ifndef STORE_SQLITE_GUARD_H
#define STORE_SQLITE_GUARD_H

#include "../sqlite.h"

/* Inside a transaction; notes has_tables. Free while the schema is the one that was looked at last. ERR_SCHEMA names what is wrong.
 * Files of a newer version of this program pass, unless they are to be written. */
bool sqlite_guard(Sqlite *sq, bool write, Err *err);

/* Inside a transaction: what the next revisions would make must not be there already. */
bool sqlite_guard_change(Sqlite *sq, Err *err);

#endif
