/* store.h: the database that holds the models, whatever its kind.
 *
 * A StoreTarget says where it is; a Store is one session with it. The rooms above know this header only; behind it is one folder
 * for each kind of database (src/store/postgres/, src/store/sqlite/). A StoreTarget may be shared by threads; a Store belongs to
 * one thread at a time.
 *
 * Errors, by what to do: ERR_RETRY the connection or the server failed for now: close the session, open a new one, ask with
 * store_find what is there; ERR_CONFLICT another writer has one of the keys; ERR_SKIP the data of one row in this batch is refused:
 * split the batch; ERR_SCHEMA the tables are not as they must be; ERR_READ_ONLY a standby, or a role or a file that can only be
 * read; ERR_INTERRUPTED a signal asked to end and the store did not answer within a second (the session is lost then, and with it
 * an open transaction); ERR_STOP everything else. After any error inside begin … commit call store_rollback. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/spool.h"
#include "port/sha256.h"
#include "store/proof.h"
#include "store/stored_model.h"

#define STORE_NAME_MAX 255 /* characters, models.name varchar(255) */
#define STORE_TYPE_MAX 50
#define STORE_CHUNK_BYTES ((uint64_t)16 * 1024 * 1024)

typedef struct StoreTuning {
    double connect_timeout; /* seconds for one connection attempt */
    double timeout;         /* seconds that a wait may last without any progress */
    double lock_timeout;    /* seconds for a lock inside the store */
} StoreTuning;

typedef struct StoreTarget StoreTarget;

/* What a kind of database can do. Ask this, never for its name. */
typedef struct StoreTraits {
    const char *dialect;           /* folder of its SQL files: "postgresql", "sqlite" */
    bool many_writers;             /* several sessions may have a batch open at once; else begin to commit must be short */
    bool may_be_standby;           /* it may be a copy that lags behind and takes no writes */
    bool is_foreign;               /* a table of somebody else's: it has no revisions, and nothing but its empty rows is written */
    uint64_t inline_default;       /* bytes of a payload that one value holds well … */
    uint64_t inline_max;           /* … and at most: beyond it dumps and other readers of the row fail */
} StoreTraits;

const StoreTraits *store_traits(const StoreTarget *target);

/* url: a libpq URI or conninfo string, `postgres://`, SQLAlchemy's `postgresql+driver://`, `sqlite:///file`. ERR_USAGE when it
 * cannot be parsed; no password ever gets into the error. */
bool store_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err);

/* The store that the environment of one of the drivers names (PGHOST, PGSERVICE, …); else, with *named false, the file in the
 * working directory that is the store when nobody names one. */
bool store_target_default(const StoreTuning *tuning, StoreTarget **out, bool *named, Err *err);
void store_target_free(StoreTarget *target);

/* Before the first store_open: a store that is a file and is not there is made, by the first session. Without this call that is
 * ERR_USAGE. A database behind a server is never made. */
void store_target_may_create(StoreTarget *target);
const char *store_target_file(const StoreTarget *target); /* its real path when it is a file, else NULL */
bool store_target_is_missing(const StoreTarget *target); /* it is a file, and it is not there at this moment */

/* Before the first store_open: a store that is a file and is not there reads as an empty one, and is not made. */
void store_target_may_be_missing(StoreTarget *target);
const char *store_target_label(const StoreTarget *target); /* for people: host:port/database, no password */
const char *store_target_key(const StoreTarget *target);   /* for a folder name: [A-Za-z0-9@._-], the same for the same store */
bool store_target_has_password(const char *url);           /* does this address carry a password, or may it? */

typedef struct Store Store;

/* ERR_RETRY unreachable for now, ERR_STOP refused. *full (may be NULL): it failed because the store has no session more for now. */
bool store_open(const StoreTarget *target, Store **out, bool *full, Err *err);
void store_close(Store *store); /* NULL is allowed; an open transaction is rolled back */
const StoreTarget *store_target(const Store *store);
const char *store_place(const Store *store); /* where its tables are: the key of the target, and the schema behind it */

#define STORE_IDENTITY_SIZE 37

/* The identifier of this store as a UUID, for plans, journals and backups: whatever its address is now, another identifier is
 * another store. A copy of a database (dump and restore, template, upgrade to another server) has another one than its original; a
 * standby and its primary have the same. "" when the tables are older than identifiers, or not there, or this role may not read it.
 * A few round trips, once a session. Not inside begin … commit or fetch_open … fetch_close. */
bool store_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

typedef struct StoreVersion {
    const char *name;        /* borrowed until the callback returns, as source_path is */
    const char *source_path; /* of the source that it was stored from, "" = not known */
    int32_t version;
    Digest content;
    bool is_unhashed;         /* its content is not known: another program wrote the row */
    bool has_format, is_tar;  /* format is recorded, and is 'tar' */
    bool has_members;         /* members is recorded */
    Digest members;
    char run_id[37];          /* "" when the row has none */
} StoreVersion;

typedef bool (*StoreVersionFn)(void *ctx, const StoreVersion *version, Err *err);

/* Every key in the store with its content digest, in no order, by one read-only query. Rows without a recorded digest (written by
 * other programs) come unhashed. No table = no rows. */
bool store_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err);

/* A row that this program can name, but not work with: all other calls pass it by. */
typedef struct StoreOdd {
    const char *place;   /* for people: "id 17"; borrowed, as the others */
    const char *name;    /* NULL: it has none, or one that is no UTF-8 */
    const char *problem; /* for people: what is wrong with it */
    bool is_active;
    bool is_newest;      /* to readers it is above every version: NULL, or a number over 2^31-1 */
} StoreOdd;

typedef bool (*StoreOddFn)(void *ctx, const StoreOdd *odd, Err *err);

/* The rows of one name (NULL = of all) whose version is no number from 0 to 2^31-1, and with NULL also those without a name in
 * UTF-8. In no order. No table = no rows. */
bool store_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err);

/* All versions of the given names. Rows without a recorded digest are hashed by the store, now; only one without a payload comes
 * unhashed. A name that the store cannot hold is not there. */
bool store_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);

/* From now on store_find believes what was worked out earlier, of rows that are the same since; with `keep` it has the store keep
 * what it works out, as far as this role may write there. */
void store_use_digests(Store *store, bool keep);

/* Waits until the transactions of this program's other sessions that write at this moment have ended: the COMMIT of a client that
 * died may still be under way, and its rows cannot be seen yet. ERR_RETRY when one is there after lock_timeout. */
bool store_wait_writers(Store *store, Err *err);

/* --- stored models, whole ---------------------------------------------------------------------------------------------------- */

/* Which rows store_list gives. A zeroed filter, or NULL: all. */
typedef struct StoreFilter {
    const char *const *names; /* only rows of these names, borrowed; */
    size_t count;             /* 0 = of every name */
    const int32_t *version;   /* only rows of this version; NULL = of every version. One name and one version are one key: however
                               * many versions the name has, only that row is looked at */
} StoreFilter;

/* The rows that the filter lets through, by name in byte order and version. One read-only query; no payload is fetched. */
bool store_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err);

/* Before many proofs: is the store sound as a whole? A server looks after that itself; of a file all pages are read. ERR_STOP says
 * what is damaged. */
bool store_examine(Store *store, Err *err);

/* Hashes the payloads of these rows where they are; none crosses a network. However large they are, the wait is no time-out:
 * `timeout` counts beyond the time that a slow server needs for so many bytes (32 MB/s), and chunks are hashed some at a time. */
bool store_verify(Store *store, StoreProof *proofs, size_t count, Err *err);

/* Reads one payload in pieces of at most 16 MiB, in order, as of one moment. Between open and close no other call on the session.
 */
bool store_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes,
                      Err *err); /* ERR_SKIP: no such row, or no payload in it */
bool store_fetch_next(Store *store, const void **data, size_t *len,
                      Err *err); /* *len 0 = the end; data borrowed until the next call */
void store_fetch_close(Store *store);

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

/* `wanted` bytes of a payload as the limit for one value; 0 = inline_default. ERR_USAGE over inline_max. */
bool store_inline_limit(const StoreTarget *target, uint64_t wanted, uint64_t *limit, Err *err);

/* 0 when a payload of this size goes inline, else the number of chunks of STORE_CHUNK_BYTES. */
uint32_t store_chunk_count(uint64_t stored_bytes, uint64_t inline_limit);

/* A batch: begin, put…, commit. All rows appear at once or none; those with chunks had better come first. store_put sends the row
 * and its payload (stored_bytes bytes, borrowed) in pieces of at most 1 MiB. */
bool store_begin(Store *store, Err *err);
bool store_put(Store *store, const StoredModel *model, Spool *payload, Err *err);

/* store_put for a batch in which a row may be refused: after ERR_SKIP or ERR_CONFLICT only this row is undone and the batch goes
 * on. A few round trips a row. Not in one batch with store_put. */
bool store_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err);

typedef enum StoreOutcome {
    STORE_COMMITTED, /* all rows are there */
    STORE_REFUSED,   /* none is, and none will be */
    STORE_UNKNOWN    /* all or none, and the answer was lost: store_wait_writers and store_find on a new session tell */
} StoreOutcome;

/* True only with STORE_COMMITTED. outcome may be NULL. */
bool store_commit(Store *store, StoreOutcome *outcome, Err *err);
void store_rollback(Store *store); /* never fails; the session may be dead afterwards, store_alive tells */
bool store_alive(const Store *store); /* false for NULL */

/* The record of a run in model_runs: opened before its first row, closed with the counts. Own transactions. */
typedef struct StoreRun {
    const char *run_id, *host, *user_name, *models_dir, *program_version;
    uint64_t new_count, unchanged_count, conflict_count, failed_count, raw_bytes, stored_bytes;
    int exit_code;
} StoreRun;

bool store_run_begin(Store *store, const StoreRun *run, Err *err);
bool store_run_end(Store *store, const StoreRun *run, Err *err);

#endif
