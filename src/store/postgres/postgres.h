/* postgres.h: one session with a PostgreSQL server, as all files of the driver see it. Nobody else includes it.
 *
 * From the lowest up; each includes only what stands before it:
 *   session/  url          what the user gave
 *             target       environment, settings, where it leads
 *             address      all addresses of a host
 *             error        SQLSTATE to ErrClass, the server's words to Err
 *             wire         sends and receives, never blocks
 *             connect      opens a session within a deadline
 *             transaction  BEGIN, COMMIT, ROLLBACK
 *             text         names and notes in the forms that the server takes
 *   shape                  are the tables there and sound
 *   guard                  no code of another role runs with our rights
 *   identity               which store it is
 *   version catalog digests find list verify fetch writers      reading
 *   triggers put runs                           writing
 *   database               transactions, scripts and rows for src/schema
 *   into/                  a table of somebody else's as a store, with a table of its own
 *   driver                 the table of all of it
 *
 * Everything is non-blocking: a server that stays silent for tuning.timeout costs the session, never a hang; after a signal that
 * asks to end it gets 0.7 seconds, and the transaction is rolled back (only the answer to COMMIT is waited for longer). A pooler
 * in transaction mode may stand between: all settings are SET LOCAL, nothing outlives a transaction. */
#ifndef STORE_POSTGRES_POSTGRES_H
#define STORE_POSTGRES_POSTGRES_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "../driver.h"

typedef enum PostgresCopy { COPY_NONE, COPY_MODELS, COPY_MODELS_CREATED, COPY_CHUNKS } PostgresCopy;

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
    bool created_is_local;   /* models.created_at is what a clock of the session's time zone shows, and that is not UTC */
    int64_t local_of, local; /* seconds since 1970: an instant that was asked for, and what that clock shows then */
    bool has_triggers;       /* on models, for INSERT */
    bool ascii_notes;        /* the database's encoding may lack a character of a path or a host name */
    bool raw_text;           /* the database does not know the encoding of its text: it may be no UTF-8 */
    bool shape_known;
    bool hint_is_servers;    /* of that error */
    size_t error_at;         /* character of the script that the last error is about, from 1; 0 = not told */
    bool use_digests, keep_digests; /* of rows of other programs, see find.c */
    char identity[STORE_IDENTITY_SIZE]; /* "" = not asked, or none */
    PostgresCopy copy;
    uint64_t copy_rows;      /* put since the COPY was opened */
    bool heard;              /* the server said something inside COPY FROM: it can only be an error */
    PostgresFetch fetch;
    struct Canonical *into;  /* the payload that is being read from a table of somebody else's, see into/ */
    bool into_has_stamp;     /* that table has updated_at */
    Buf sent[4];             /* the rows of the batch, see triggers.c */
    Buf out;                 /* wire bytes not yet given to libpq */
    void *piece;             /* scratch for one piece of a payload */
} Postgres;

#endif
