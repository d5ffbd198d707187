/* into.h: a table of somebody else's as a store: each row with a payload is a directory, kept as a tar in one of its columns.
 *
 * The key of a row is `bertopic_model_` and the first eight digits of its UUID, version 1. Nothing is created and no row is made:
 * an empty column is filled. The table records no digest, and its tars come from other programs, so a row is read to know it, and
 * is given as the tar that this program would have made of it (canonical.h): all above the store works on it as on one of ours.
 *
 *   target     what the user named
 *   canonical  any tar as ours
 *   rows       which rows there are; their payloads
 *   list       catalog, find, list
 *   fetch      one payload; the server's promises
 *   put        fills a row
 *   tables     which tables of this kind a database has
 *   driver     the table of all of it */
#ifndef STORE_POSTGRES_INTO_INTO_H
#define STORE_POSTGRES_INTO_INTO_H

#include "base/vec.h"
#include "../postgres.h"
#include "canonical.h"

#define INTO_PREFIX "bertopic_model_"
#define INTO_DIGITS 8
#define INTO_NAME_SIZE (sizeof INTO_PREFIX + INTO_DIGITS)
#define INTO_ID_SIZE 37
#define INTO_BYTES_MAX ((uint64_t)500 * 1024 * 1024) /* pg_dump and text readers fail beyond it */

/* What the user named, quoted for SQL; and the columns as they are called. */
typedef struct PostgresInto {
    char *table, *data, *id;
    char *data_name, *id_name;
} PostgresInto;

extern const StoreDriver store_postgres_into_driver;

/* The entry `into` of PostgreSQL's table. spec: SCHEMA.TABLE[:DATA[:ID]]. ERR_USAGE. */
bool into_target(StoreTarget *target, const char *spec, Err *err);
void into_free(PostgresInto *into);

/* The target's, from the session. */
const PostgresInto *into_of(const Postgres *pg);

/* --- rows.c */

/* A row with a payload. */
typedef struct IntoRow {
    char id[INTO_ID_SIZE];
    char name[INTO_NAME_SIZE];
    uint64_t bytes;
    bool is_twin; /* another row has the same beginning of its id: neither has a name of its own */
} IntoRow;
typedef VEC(IntoRow) IntoRows;

/* Inside a transaction: rows with a payload, by id; name NULL = all. A name that is none of this table has no rows. */
bool into_rows(Postgres *pg, const char *name, IntoRows *out, Err *err);

/* Inside a transaction: the row's payload as this program would have made it. ERR_SKIP: it is no tar, damaged or hostile. */
bool into_read(Postgres *pg, const IntoRow *row, Canonical *out, Err *err);

/* The digits of a name that can be one of this table; false = it cannot. */
bool into_digits(const char *name, char digits[INTO_DIGITS + 1]);

/* The lowest and the highest id that begin with these digits. */
void into_range(const char *digits, char low[INTO_ID_SIZE], char high[INTO_ID_SIZE]);

/* Of a store that is no such table: see store_other_tables. */
bool into_tables(Store *store, Buf *names, Err *err);

/* --- the entries of the driver's table */

bool into_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err);
bool into_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);
bool into_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err);
bool into_verify(Store *store, StoreProof *proofs, size_t count, Err *err);
bool into_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err);
bool into_fetch_next(Store *store, const void **data, size_t *len, Err *err);
void into_fetch_close(Store *store);
bool into_begin(Store *store, Err *err);
bool into_put(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool into_commit(Store *store, StoreOutcome *outcome, Err *err);
bool into_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);
bool into_inspect(Store *store, bool to_change, Err *err);

/* Inside a transaction, once a session: ERR_SCHEMA unless table and columns are there and of the right types. */
bool into_inspect_columns(Postgres *pg, Err *err);

#endif
