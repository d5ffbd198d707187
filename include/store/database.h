/* database.h: the store as a database: transactions, scripts and rows of text, for what brings its tables to a version. src/schema
 * knows nothing else of it; store.h knows nothing of revisions.
 *
 * Errors have the classes of store.h. After any error between begin and commit call database_rollback. */
#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/sql_text.h"
#include "store/store.h"

const SqlRules *database_sql_rules(const StoreTarget *target); /* how its SQL is written */

/* The same session and the same search path as for models. ERR_READ_ONLY when `write` and it takes no writes. */
bool database_begin(Store *store, bool write, Err *err);

/* A write transaction that holds the lock of this number, which nobody else has meanwhile. The lock ends with the transaction,
 * and so with the session. Asks again and again for at most lock_timeout, each time in a short transaction: nothing waits in
 * the database. ERR_RETRY: another session still has it. */
bool database_begin_locked(Store *store, int64_t lock, Err *err);

bool database_commit(Store *store, StoreOutcome *outcome, Err *err); /* true only with STORE_COMMITTED */
void database_rollback(Store *store);                                /* never fails */

/* Runs a script of statements. It may be silent for as long as it takes: only a lost connection or a signal ends the wait.
 * *position (may be NULL): the byte of the script that the error is about, SIZE_MAX when that is not known. */
bool database_run(Store *store, const char *script, size_t *position, Err *err);

/* One statement with parameters ($1 …; NULL is NULL). fn gets its rows, values as text; NULL stands for NULL. fn may be NULL. */
typedef bool (*DatabaseRowFn)(void *ctx, const char *const *values, size_t count, Err *err);
bool database_query(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx, Err *err);

/* `name` as a quoted identifier of this database. */
bool database_identifier(Buf *out, const char *name, Err *err);

/* --- steps: statements of somebody else --------------------------------------------------------------------------------------- */

/* A transaction for statements that are not ours, on tables that are not: with the search path, the role and the rights that the
 * session has by itself, as in the shell of the database, and without a look at the tables of a store of models. A statement waits
 * STEP_LOCK_SECONDS for a lock, not longer: whoever waits in line makes all others wait behind it. Foreign keys of a file are off
 * until database_step_end, so that a table can be built anew. Rolled back by database_rollback, ended by database_commit. */
#define STEP_LOCK_SECONDS 2
bool database_step_begin(Store *store, bool write, Err *err);

/* One statement, with its rows when it is COPY. *position: the byte of its text that the error is about, 0 when that is not known.
 * ERR_RETRY: a lock, or the session, was lost; ERR_STOP: the database refused it. */
bool database_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err);

/* Before the commit: the settings that the statements changed are as before; ERR_STOP when a row or a table refers to what is not
 * there and did not do so before. */
bool database_step_end(Store *store, Err *err);

bool database_has_table(Store *store, const char *name, bool *has, Err *err);

/* Inside a transaction: a store that is a file with nothing in it, or with tables of ours and nothing in those: whoever was making
 * it was killed. */
bool database_is_blank(Store *store, bool *blank, Err *err);

/* Inside a transaction: are the tables of the store sound, and does no code of somebody else hide in them, that would run with this
 * session's rights? to_change: before their definition is changed, which asks for more, and locks them. ERR_SCHEMA names what is
 * wrong. */
bool database_inspect(Store *store, bool to_change, Err *err);

#endif
