/* guard.h: no code of another role runs with our rights.
 *
 * Triggers, defaults, checks, index expressions, policies and domains run with the rights of whoever uses the table. All that our
 * tables have of them must belong to a role that is trusted with these rights: see guard.sql. */
#ifndef STORE_POSTGRES_GUARD_H
#define STORE_POSTGRES_GUARD_H

#include "postgres.h"

/* Inside a transaction, before anything else is done in it. ERR_SCHEMA: names table, code and its owner. */
bool postgres_guard_read(Postgres *pg, Err *err);

/* Locks the table as its writers do, so that the answer holds until the end of the transaction. */
bool postgres_guard_write(Postgres *pg, const char *table, Err *err);

/* All our tables that are there, before their definition is changed: a foreign owner is refused too. */
bool postgres_guard_change(Postgres *pg, Err *err);

#endif
