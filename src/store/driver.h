/* driver.h: what a kind of database implements. store.c picks the driver by the URL and passes every call of store.h on to
 * it.
 *
 * A driver's own target and session structs start with StoreTarget and Store; the driver allocates and frees them. The promises of
 * each function are those of store.h and database.h. To add a kind: one more StoreDriver and one line in store.c. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/database.h"
#include "store/pickles.h"
#include "store/store.h"

/* The statements of store/lifecycle.h: sql/<dialect>/life_*.sql. Rows of text, in the order of src/store/lifecycle.c. */
typedef enum LifeQuery {
    LIFE_ROWS,
    LIFE_LOCK,
    LIFE_ALIASES,
    LIFE_EVENTS,
    LIFE_EVENT_NAMES,
    LIFE_HAS_CHANGE,
    LIFE_SET_ACTIVE,
    LIFE_SET_ALIAS,
    LIFE_DROP_ALIAS,
    LIFE_ADD_EVENT,
    LIFE_DELETE,
    LIFE_QUERY_COUNT
} LifeQuery;

#define LIFE_SQL(dialect) \
    {[LIFE_ROWS] = sql_##dialect##_life_rows, [LIFE_LOCK] = sql_##dialect##_life_lock, \
     [LIFE_ALIASES] = sql_##dialect##_life_aliases, [LIFE_EVENTS] = sql_##dialect##_life_events, \
     [LIFE_EVENT_NAMES] = sql_##dialect##_life_event_names, \
     [LIFE_HAS_CHANGE] = sql_##dialect##_life_has_change, [LIFE_SET_ACTIVE] = sql_##dialect##_life_set_active, \
     [LIFE_SET_ALIAS] = sql_##dialect##_life_set_alias, [LIFE_DROP_ALIAS] = sql_##dialect##_life_drop_alias, \
     [LIFE_ADD_EVENT] = sql_##dialect##_life_add_event, [LIFE_DELETE] = sql_##dialect##_life_delete}

typedef struct StoreDriver {
    StoreTraits traits;
    SqlRules sql;
    void (*library)(char *out, size_t cap); /* the client library and its version */
    bool (*is_address)(const char *url); /* is it one of this kind? NULL: what is of no other kind is */
    /* url "": what the environment says */
    bool (*target_new)(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err);
    bool (*in_environment)(void); /* does the environment name a store of this kind? NULL: it cannot */
    void (*target_free)(StoreTarget *target);
    bool (*into)(StoreTarget *target, const char *table, Err *err); /* sets another driver; NULL: it cannot */
    bool (*has_password)(const char *url);
    const char *(*file)(const StoreTarget *target); /* NULL for what is no file */
    bool (*is_missing)(const StoreTarget *target); /* NULL for what is no file */

    bool (*open)(const StoreTarget *target, Store **out, bool *full, Err *err);        /* full is never NULL */
    void (*close)(Store *store);
    bool (*alive)(const Store *store);

    bool (*identity)(Store *store, char out[STORE_IDENTITY_SIZE], Err *err);

    bool (*odd_rows)(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err); /* may be NULL */
    bool (*pickles)(Store *store, StorePickleFn fn, void *ctx, Err *err); /* NULL: none is known */
    bool (*catalog)(Store *store, StoreVersionFn fn, void *ctx, Err *err);
    bool (*find)(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err);
    void (*use_digests)(Store *store, bool keep); /* may be NULL */
    bool (*wait_writers)(Store *store, Err *err);

    bool (*other_tables)(Store *store, Buf *names, Err *err); /* may be NULL */
    bool (*list)(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err); /* filter is never NULL */
    bool (*examine)(Store *store, Err *err); /* NULL: the server's business */
    bool (*verify)(Store *store, StoreProof *proofs, size_t count, Err *err);
    bool (*fetch_open)(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err);
    bool (*fetch_next)(Store *store, const void **data, size_t *len, Err *err);
    void (*fetch_close)(Store *store);

    bool (*begin)(Store *store, Err *err);
    bool (*put)(Store *store, const StoredModel *model, Spool *payload, Err *err);
    bool (*put_alone)(Store *store, const StoredModel *model, Spool *payload, Err *err);
    bool (*commit)(Store *store, StoreOutcome *outcome, Err *err); /* outcome is never NULL */
    void (*rollback)(Store *store);

    const char *life_sql[LIFE_QUERY_COUNT];
    /* inside begin … commit: what was put is sent, and rows, aliases and events may be written now */
    bool (*change_ready)(Store *store, Err *err);

    bool (*run_begin)(Store *store, const StoreRun *run, Err *err);
    bool (*run_end)(Store *store, const StoreRun *run, Err *err);

    /* database.h; its rollback is the one above */
    bool (*transaction_begin)(Store *store, bool write, Err *err);
    bool (*transaction_commit)(Store *store, StoreOutcome *outcome, Err *err);
    bool (*try_lock)(Store *store, int64_t lock, bool *taken, Err *err); /* inside a transaction, which then holds it */
    bool (*run_script)(Store *store, const char *script, size_t *position, Err *err); /* position is never NULL */
    bool (*query_text)(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx,
                       Err *err);
    bool (*step_begin)(Store *store, bool write, Err *err);
    bool (*step_run)(Store *store, const SqlStatement *statement, size_t *position, Err *err); /* position is never NULL */
    bool (*step_end)(Store *store, Err *err);
    bool (*has_table)(Store *store, const char *identifier, bool *has, Err *err); /* quoted */
    bool (*is_blank)(Store *store, bool *blank, Err *err); /* NULL for what is no file */
    bool (*inspect)(Store *store, bool to_change, Err *err);
} StoreDriver;

/* store.c notes the driver. The driver fills label and key (malloc'd, without any password) and frees them with
 * store_target_clear. */
struct StoreTarget {
    const StoreDriver *driver;
    StoreTuning tuning;
    char *label, *key;
    bool may_create;     /* see store_target_may_create */
    bool may_be_missing; /* see store_target_may_be_missing */
};

struct Store {
    const StoreDriver *driver;
    const StoreTarget *target; /* borrowed: outlives the session */
    char *place;               /* set by the driver's open, which may use malloc; freed by its close */
};

void store_target_clear(StoreTarget *target);

/* Passes `ok` on. A fault of one row's data (ERR_SKIP, ERR_CONFLICT) tells a batch to do without that row; what is no batch is
 * refused as a whole by it, so its error gets the class `whole`. */
bool store_no_batch(bool ok, ErrClass whole, Err *err);

extern const StoreDriver store_postgres_driver, store_sqlite_driver;

#endif
