/* file_url.h: the addresses of SQLite files. No state; any thread. */
#ifndef STORE_SQLITE_FILE_URL_H
#define STORE_SQLITE_FILE_URL_H

#include <stdbool.h>

#include "base/err.h"

typedef struct SqliteUrl {
    char *path; /* malloc'd, as the user wrote it, decoded */
    bool read_only, immutable, wal;
} SqliteUrl;

/* Is it one? `sqlite:…`, `sqlite3:…`, `sqlite+driver:…`, `:memory:`, or a path that ends in .db, .sqlite or .sqlite3. */
bool sqlite_url_is_ours(const char *url);

/* sqlite:///relative.db, sqlite:////absolute.db, or the path itself; behind it perhaps ?mode=ro|rw|rwc, immutable=1, journal=wal.
 * Only the first two are percent-decoded. Parameters of Python's connect() pass. ERR_USAGE; the address is not in the error. */
bool sqlite_url_parse(const char *url, SqliteUrl *out, Err *err);

/* Does it carry a user and a password, which no file has? */
bool sqlite_url_has_password(const char *url);

#endif
