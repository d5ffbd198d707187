/* lifecycle.h: what is live, and what people said about it: flags of rows, aliases, the record of changes. The decisions are pure
 * (model/life.h); here they are read and written.
 *
 * A change: store_begin, store_change_ready, store_lock_name for each name in the order of bytes, then what reads and writes it,
 * store_commit. Two changes of one name wait for each other. Rows may be put in the same transaction; then store_change_ready
 * again. After a lost answer to COMMIT store_has_change tells on a new session.
 *
 * Errors: those of store.h. ERR_SCHEMA when the tables are not at head. Strings in callbacks are borrowed until they return. */
#ifndef STORE_LIFECYCLE_H
#define STORE_LIFECYCLE_H

#include "store/store.h"

#define STORE_NO_VERSION (-1)
#define STORE_ALIAS_MAX 63

/* A row, as far as its life goes. */
typedef struct StoreLife {
    const char *name, *source_host, *source_path, *run_id; /* "" = not recorded */
    const char *model_type, *event;
    int32_t version;
    bool is_active;
    int64_t created_us; /* since 1970; 0 = not known */
    bool has_content;
    Digest content;
} StoreLife;

typedef struct StoreAlias {
    const char *name, *alias, *set_by;
    int32_t version;
    int64_t set_us;
} StoreAlias;

/* A line of the record. */
typedef struct StoreEvent {
    int64_t id, at_us;
    const char *change_id; /* UUID, the same for all that one command changed */
    const char *action, *name, *actor;
    int32_t version;
    int32_t was_live, now_live; /* STORE_NO_VERSION = none */
    const char *source_host, *source_path, *reason, *detail; /* "" = none; detail is JSON */
} StoreEvent;

typedef bool (*StoreLifeFn)(void *ctx, const StoreLife *row, Err *err);
typedef bool (*StoreAliasFn)(void *ctx, const StoreAlias *alias, Err *err);
typedef bool (*StoreNameFn)(void *ctx, const char *name, Err *err);
typedef bool (*StoreEventFn)(void *ctx, const StoreEvent *event, Err *err);

/* Reading: inside of a change, or inside store_read_begin … store_rollback, which sees one moment. name NULL: of all names. Rows
 * come by name in byte order and version, aliases by name and alias, events from the first to the last. */
bool store_read_begin(Store *store, Err *err);
bool store_lives(Store *store, const char *name, StoreLifeFn fn, void *ctx, Err *err);
bool store_aliases(Store *store, const char *name, StoreAliasFn fn, void *ctx, Err *err);
bool store_events(Store *store, const char *name, StoreEventFn fn, void *ctx, Err *err);
bool store_event_names(Store *store, StoreNameFn fn, void *ctx, Err *err); /* that the record has a line of, in no order */
bool store_has_change(Store *store, const char *change_id, bool *has, Err *err);

/* Inside begin … commit: what was put is sent, and no code of another role would run with our rights when tables are written. */
bool store_change_ready(Store *store, Err *err);

/* Writing. The rows of the name wait for no one else until the end; a name without rows is none to lock. */
bool store_lock_name(Store *store, const char *name, Err *err);
bool store_set_active(Store *store, const char *name, int32_t version, bool active, Err *err);
bool store_set_alias(Store *store, const StoreAlias *alias, Err *err); /* sets or moves it; set_us is the store's */
bool store_drop_alias(Store *store, const char *name, const char *alias, Err *err);
bool store_add_event(Store *store, const StoreEvent *event, Err *err); /* id, at_us: the store's; actor gets the database user */
bool store_delete(Store *store, const char *name, int32_t version, Err *err); /* the row, with its payload */

#endif
