/* error.h: what SQLite says, as an Err. */
#ifndef STORE_SQLITE_ERROR_H
#define STORE_SQLITE_ERROR_H

#include "../sqlite.h"

/* What to do about an extended result code. */
ErrClass sqlite_error_class(int code);

/* Fills *err from the last error of the session; false. A session that cannot go on is lost. */
bool sqlite_fail(Sqlite *sq, Err *err);

/* The same for a code and a message (NULL: SQLite's own) that are no longer the last ones of a session. */
bool sqlite_fail_code(const StoreTarget *target, int code, const char *message, Err *err);

#endif
