/* transaction.h: transactions, with all settings of ours in each. */
#ifndef STORE_POSTGRES_SESSION_TRANSACTION_H
#define STORE_POSTGRES_SESSION_TRANSACTION_H

#include "../postgres.h"

bool postgres_refuse_read_only(const Postgres *pg, Err *err); /* always false */
bool postgres_begin(Postgres *pg, bool write, Err *err);
bool postgres_commit(Postgres *pg, StoreOutcome *outcome, Err *err); /* COMMIT, and the proof that it was one */
bool postgres_abandon_copy(Postgres *pg); /* fails an open COPY FROM, the server forgets its rows; false: the session is lost */
void postgres_rollback(Store *store);         /* the entry of the driver's table; ends an open COPY too */

#endif
