/* triggers.h: what a trigger made of a batch. All does nothing for a table without triggers. */
#ifndef STORE_POSTGRES_TRIGGERS_H
#define STORE_POSTGRES_TRIGGERS_H

#include "postgres.h"

bool postgres_sent_note(Postgres *pg, const StoredModel *model, Err *err);
bool postgres_sent_check(Postgres *pg, Err *err); /* ERR_SKIP when a row is not there as it was sent */
void postgres_sent_clear(Postgres *pg);

#endif
