/* wire.h: statements and COPY over the session, with a deadline for silence. After a lost connection pg->conn is NULL. */
#ifndef STORE_POSTGRES_SESSION_WIRE_H
#define STORE_POSTGRES_SESSION_WIRE_H

#include "../postgres.h"

void postgres_drop(Postgres *pg); /* gives the session up */
bool postgres_fail_result(Postgres *pg, const PGresult *result, Err *err); /* always false; drops a session that was lost */
bool postgres_fail_connection(Postgres *pg, Err *err);                     /* always false; drops the session */

/* poll(2) on the session's socket: 0 after `seconds`, or 0.7 seconds after a signal asked to end. *ready gets the events. */
int postgres_poll(const Postgres *pg, short events, double seconds, short *ready);
bool postgres_flush(Postgres *pg, Err *err);
bool postgres_wait_input(Postgres *pg, Err *err);

/* Runs a script of statements without parameters. */
bool postgres_run(Postgres *pg, const char *sql, Err *err);

/* One statement; params are text. The caller clears *out (may be NULL). `binary` is the format of the result. */
bool postgres_query(Postgres *pg, const char *sql, int count, const char *const *params, bool binary, PGresult **out, Err *err);

/* The same for a statement that hashes so many bytes: the server says nothing while it does. */
bool postgres_query_hash(Postgres *pg, uint64_t bytes, const char *sql, int count, const char *const *params, bool binary,
                         PGresult **out, Err *err);

/* Sends one statement whose rows are then taken one at a time, in binary. */
bool postgres_query_rows(Postgres *pg, const char *sql, int count, const char *const *params, Err *err);

/* A binary integer of any width in the first row; NULL is 0. */
uint64_t postgres_integer(const PGresult *row, int field);

/* Starts a COPY; want is PGRES_COPY_IN or PGRES_COPY_OUT. */
bool postgres_copy_start(Postgres *pg, const char *sql, ExecStatusType want, Err *err);

/* Ends a COPY FROM: why NULL completes it, else it fails at the server with this text. Its result is not taken yet. */
bool postgres_copy_end(Postgres *pg, const char *why, Err *err);

/* Takes all results of what was sent. The last one goes to *out (may be NULL); the first error wins. */
bool postgres_results(Postgres *pg, PGresult **out, Err *err);

#endif
