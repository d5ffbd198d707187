/* postgres.h: what the files of the PostgreSQL driver share. Nobody else includes it.
 *
 *   target    parses URLs and settings               error   SQLSTATE to ErrClass, the server's words to Err
 *   connect   opens a session within a deadline      read    catalog and find
 *   wait      sends and receives, never blocks       write   COPY, batches, runs
 *   address   all addresses of a host                sent    what a trigger made of a batch
 *   schema    revisions                              identity  which store it is
 *                                                    (none)  transactions, and the driver's table
 *
 * Everything is non-blocking: a server that stays silent for tuning.timeout costs the session, never a hang; after a signal that
 * asks to end it gets 2 seconds, and the transaction is rolled back (only the answer to COMMIT is waited for longer). A pooler in
 * transaction mode may stand between: all settings are SET LOCAL, nothing outlives a transaction. */
#ifndef STORE_POSTGRES_POSTGRES_H
#define STORE_POSTGRES_POSTGRES_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "../driver.h"

typedef struct PostgresTarget {
    StoreTarget base;
    char **keywords, **values; /* for PQconnectStartParams, NULL-terminated; a password is in here and nowhere else */
    size_t count;
    char *host, *hostaddr, *port; /* comma lists, "" when not set */
    size_t host_count;
    double connect_timeout; /* seconds for one address */
    bool prefer_standby;    /* a standby, or else any server */
} PostgresTarget;

typedef enum PostgresCopy { COPY_NONE, COPY_MODELS, COPY_CHUNKS } PostgresCopy;

/* The payload that is being read, see fetch.c. */
typedef struct PostgresFetch {
    char *name;
    int32_t version;
    uint64_t bytes, at;
    uint32_t chunk_count, next_chunk;
    bool first_is_here; /* the first piece came with the answer to the first query */
    PGresult *piece;
} PostgresFetch;

typedef struct Postgres {
    Store base;
    PGconn *conn;            /* NULL once the session is lost */
    double patience;         /* seconds without progress before the session is given up */
    char *begin_write, *begin_read;
    bool standby, read_only;
    bool in_transaction;
    bool committing;         /* COMMIT was sent, its answer is not here */
    bool version_is_bigint;  /* models.version of an adopted table */
    bool has_triggers;       /* on models, for INSERT */
    bool ascii_notes;        /* the database's encoding may lack a character of a path or a host name */
    bool shape_known;
    char identity[STORE_IDENTITY_SIZE]; /* "" = not asked, or none */
    PostgresCopy copy;
    uint64_t copy_rows;      /* put since the COPY was opened */
    bool heard;              /* the server said something inside COPY FROM: it can only be an error */
    PostgresFetch fetch;
    Buf sent[4];             /* the rows of the batch, see triggers.c */
    Buf out;                 /* wire bytes not yet given to libpq */
    void *piece;             /* scratch for one piece of a payload */
} Postgres;

/* --- wait --- */
void postgres_drop(Postgres *pg); /* gives the session up */

/* poll(2) on the session's socket: 0 after `seconds`, or 2 seconds after a signal asked to end. *ready gets the events. */
int postgres_poll(const Postgres *pg, short events, double seconds, short *ready);
bool postgres_flush(Postgres *pg, Err *err);
bool postgres_wait_input(Postgres *pg, Err *err);

/* Runs a script of statements without parameters. */
bool postgres_run(Postgres *pg, const char *sql, Err *err);

/* One statement; params are text. The caller clears *out (may be NULL). `binary` is the format of the result. */
bool postgres_query(Postgres *pg, const char *sql, int count, const char *const *params, bool binary, PGresult **out, Err *err);

/* Sends one statement whose rows are then taken one at a time, in binary. */
bool postgres_query_rows(Postgres *pg, const char *sql, int count, const char *const *params, Err *err);

/* A binary integer of any width in the first row; NULL is 0. */
uint64_t postgres_integer(const PGresult *row, int field);

/* Appends an element of an array literal, and a whole text[] literal. */
bool postgres_text_element(Buf *out, const char *text, Err *err);
bool postgres_text_array(Buf *out, const char *const *names, size_t count, Err *err);

/* Starts a COPY; want is PGRES_COPY_IN or PGRES_COPY_OUT. */
bool postgres_copy_start(Postgres *pg, const char *sql, ExecStatusType want, Err *err);

/* Takes all results of what was sent. The last one goes to *out (may be NULL); the first error wins. */
bool postgres_results(Postgres *pg, PGresult **out, Err *err);

/* --- error --- */
ErrClass postgres_error_class(const char *sqlstate, const char *message);
bool postgres_fail_result(Postgres *pg, const PGresult *result, Err *err);
bool postgres_fail_connection(Postgres *pg, Err *err); /* the session is lost, PQerrorMessage says why; drops it */
/* A trigger changed or dropped a row. It counts as an answer of the server: no COMMIT went out. */
bool postgres_fail_trigger(Postgres *pg, Err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool postgres_fail_connect(const Postgres *pg, const char *message, bool needs_password, Err *err);

/* --- address --- */
#define POSTGRES_ADDRESSES_MAX 16

typedef struct PostgresAddresses {
    size_t count;
    char text[POSTGRES_ADDRESSES_MAX][80]; /* numeric; "" = as the target has it */
} PostgresAddresses;

/* Those of host `index` of the target, in the order of the resolver; one "" for a socket or a given hostaddr. Blocks as the
 * resolver does. */
bool postgres_addresses(const PostgresTarget *target, size_t index, PostgresAddresses *out, Err *err);

/* Item `index` of a comma list; a list of one item holds for all. */
void postgres_item(char *out, size_t cap, const char *list, size_t index);

/* --- connect --- */
bool postgres_open(const StoreTarget *target, Store **out, Err *err);
void postgres_close(Store *store);

/* --- transactions --- */
bool postgres_begin(Postgres *pg, bool write, Err *err);
bool postgres_commit(Postgres *pg, Err *err); /* COMMIT, and the proof that it was one */
void postgres_rollback(Store *store);

typedef struct PostgresShape {
    bool has_revisions, has_models, has_digests, version_is_bigint, has_triggers;
    bool has_identity, knows_server; /* readable for this role */
    char key_remedy[512]; /* statements that make (name, version) unique again, "" when it is */
} PostgresShape;
bool postgres_shape(Postgres *pg, PostgresShape *out, Err *err); /* inside a transaction */
bool postgres_require_key(const Postgres *pg, const PostgresShape *shape, Err *err); /* ERR_SCHEMA without a unique key */

/* --- sent --- */
bool postgres_sent_note(Postgres *pg, const StoredModel *row, Err *err); /* both do nothing for a table without triggers */
bool postgres_sent_check(Postgres *pg, Err *err);                     /* ERR_SKIP when a row is not there as it was sent */
void postgres_sent_clear(Postgres *pg);

/* A note about a row or a run, so that any database takes it: bytes that are not UTF-8 are escaped, and all that are not ASCII
 * where the encoding is another one. malloc'd, NULL = no memory. */
char *postgres_note(const Postgres *pg, const char *text);

/* --- target, read, write, schema: entries of the driver's table --- */
bool postgres_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err);
void postgres_target_free(StoreTarget *target);
bool postgres_target_has_password(const char *url);
bool postgres_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);
bool postgres_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err);
bool postgres_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);
bool postgres_wait_writers(Store *store, Err *err);
bool postgres_list(Store *store, const char *const *names, size_t count, StoredModelFn fn, void *ctx, Err *err);
bool postgres_list_key(Store *store, const StoreKey *key, StoredModelFn fn, void *ctx, Err *err);
bool postgres_verify(Store *store, const StoreKey *keys, size_t count, StoreHealthFn fn, void *ctx, Err *err);
bool postgres_is_primary(Store *store, bool *primary, Err *err);
bool postgres_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err);
bool postgres_fetch_next(Store *store, const void **data, size_t *len, Err *err);
void postgres_fetch_close(Store *store);
bool postgres_put(Store *store, const StoredModel *model, Spool *payload, Err *err);
bool postgres_copy_end(Postgres *pg, Err *err); /* ends an open COPY and compares the server's count of rows with ours */
bool postgres_run_begin(Store *store, const StoreRun *run, Err *err);
bool postgres_run_end(Store *store, const StoreRun *run, Err *err);
bool postgres_schema_applied(Store *store, StoreAppliedFn fn, void *ctx, bool *has_models, Err *err);
bool postgres_schema_upgrade(Store *store, const StoreRevision *revision, bool *applied, Err *err);

#endif
