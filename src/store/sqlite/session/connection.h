/* connection.h: a connection with an SQLite file, and its statements. */
#ifndef STORE_SQLITE_CONNECTION_H
#define STORE_SQLITE_CONNECTION_H

#include "../sqlite.h"

bool sqlite_open(const StoreTarget *target, Store **out, bool *full, Err *err);
void sqlite_close(Store *store);
bool sqlite_alive(const Store *store);

/* Gives the connection up. The errors of a lost session are ERR_RETRY. */
void sqlite_drop(Sqlite *sq);

/* One or more statements whose rows do not matter. */
bool sqlite_exec(Sqlite *sq, const char *sql, Err *err);

/* The one value of a PRAGMA or a count; 0 when there is no row. */
bool sqlite_ask(Sqlite *sq, const char *sql, int64_t *value, Err *err);

/* A statement of the session, prepared once, without values; NULL on failure. Whoever steps it resets it (sqlite_done). */
sqlite3_stmt *sqlite_statement(Sqlite *sq, SqliteQuery query, Err *err);

/* *row: there is one. On failure the statement is reset. */
bool sqlite_step(Sqlite *sq, sqlite3_stmt *statement, bool *row, Err *err);
void sqlite_done(sqlite3_stmt *statement); /* reset, values gone; NULL is allowed */

/* A statement without rows, to its end. */
bool sqlite_run(Sqlite *sq, sqlite3_stmt *statement, Err *err);

/* code: what a call of SQLite returned, if it is not SQLITE_OK. */
bool sqlite_check(Sqlite *sq, int code, Err *err);

/* The client library and its version. */
void sqlite_library(char *out, size_t cap);

#endif
