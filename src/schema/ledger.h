/* ledger.h: the table in which a store records the revisions that were applied to it. Private to schema/. */
#ifndef SCHEMA_LEDGER_H
#define SCHEMA_LEDGER_H

#include "schema/schema.h"
#include "store/database.h"

typedef struct Ledger {
    const char *table;
    int64_t lock; /* whoever changes it holds this, see database_begin_locked */
} Ledger;

typedef bool (*LedgerFn)(void *ctx, const char *id, const char *checksum, Err *err);

/* In the order of application; none when there is no table. Inside a transaction, as the rest. */
bool ledger_applied(const Ledger *ledger, Store *store, LedgerFn fn, void *ctx, Err *err);

bool ledger_create(const Ledger *ledger, Store *store, Err *err); /* nothing when it is there */

/* Is it applied? ERR_SCHEMA when neither it nor what it stands on is. */
bool ledger_has(const Ledger *ledger, Store *store, const SchemaRevision *revision, bool *there, Err *err);
bool ledger_add(const Ledger *ledger, Store *store, const SchemaRevision *revision, Err *err);

#endif
