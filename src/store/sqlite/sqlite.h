/* sqlite.h: one session with an SQLite file, as all files of the driver see it. Nobody else includes it.
 *
 * From the lowest up; each includes only what stands before it:
 *   session/  file_url     what the user gave
 *             target       the file by its real path, its key
 *             error        result codes to ErrClass, SQLite's words to Err
 *             connection   opens one; statements, waiting for locks
 *             guard        no trigger, view or table of somebody else in the place of ours
 *             transaction  BEGIN, COMMIT, ROLLBACK
 *             value        columns of a row to C and back
 *   payload                the bytes of one stored payload, wherever they are
 *   catalog list fetch verify       reading
 *   upload                 chunks before their row
 *   put runs               rows, and the record of a run
 *   database               transactions, scripts and rows for src/schema
 *   driver                 the table of all of it
 *
 * A connection waits for a lock of another one for tuning.lock_timeout at most, and after a signal that asks to end 0.7 seconds.
 * The payloads are in a table of their own and are read and written in pieces; a row is bound as a whole. */
#ifndef STORE_SQLITE_SQLITE_H
#define STORE_SQLITE_SQLITE_H

#include <sqlite3.h>

#include "base/buf.h"
#include "../driver.h"

typedef struct SqliteTarget {
    StoreTarget base;
    char *path; /* real and absolute */
    bool read_only, immutable, wal;
} SqliteTarget;

typedef enum SqliteQuery {
    SQLITE_Q_CATALOG,
    SQLITE_Q_ODD_ROWS,
    SQLITE_Q_PICKLES,
    SQLITE_Q_FIND,
    SQLITE_Q_DIGEST_KEEP,
    SQLITE_Q_LIST,
    SQLITE_Q_LIST_NAME,
    SQLITE_Q_PAYLOAD,
    SQLITE_Q_PAYLOAD_CHUNK,
    SQLITE_Q_PAYLOAD_CHUNKS,
    SQLITE_Q_PUT_ROW,
    SQLITE_Q_PUT_PAYLOAD,
    SQLITE_Q_PUT_CHUNK,
    SQLITE_Q_UPLOAD_BEGIN,
    SQLITE_Q_UPLOAD_END,
    SQLITE_Q_UPLOAD_TAKE,
    SQLITE_Q_UPLOAD_DEAD,
    SQLITE_Q_UPLOAD_DROP,
    SQLITE_Q_COUNT
} SqliteQuery;

/* A payload that is being read, see payload.h. */
typedef struct SqlitePayload {
    const char *name; /* borrowed */
    int32_t version;
    int64_t row_id, upload_id;
    bool has_content, has_stored; /* what the row records */
    Digest content, stored;
    uint64_t bytes, at; /* of the whole; `at` is the next one */
    uint32_t chunk_count, next_chunk;
    Digest chunk_digest; /* recorded for the chunk that is open */
    uint64_t left;       /* of the value that is open */
    sqlite3_blob *blob;
} SqlitePayload;

/* A row whose chunks are there already, and that joins the transaction when it begins. */
typedef struct SqlitePending {
    StoredModel row;
    int64_t upload_id;
} SqlitePending;

typedef struct Sqlite {
    Store base;
    sqlite3 *db; /* NULL once the session is lost */
    sqlite3_stmt *statements[SQLITE_Q_COUNT];
    bool has_swept; /* looked for uploads of dead processes, before the first batch */
    bool in_batch; /* store_begin was called; the transaction begins with the first row */
    bool in_transaction;
    bool committing;                    /* a signal does not end it */
    int64_t dangling;                   /* references to what is not there, when a step began */
    double asked_at;                    /* when a signal was first seen, 0 = not yet */
    double wait_until;                  /* for a lock */
    int64_t guarded;                    /* the schema_version that guard.c found sound, -1 = none yet */
    bool has_tables;                    /* at that version */
    bool use_digests, keep_digests;     /* of rows of other programs, see catalog.c */
    char identity[STORE_IDENTITY_SIZE]; /* "" = not asked, or none */
    char *fetch_name;
    SqlitePayload fetch;
    SqlitePending *pending;
    size_t pending_count, pending_cap;
    Arena strings;        /* of the pending rows */
    unsigned char *piece; /* scratch for one piece of a payload */
} Sqlite;

#define SQLITE_PIECE_BYTES ((size_t)1024 * 1024)

#endif
