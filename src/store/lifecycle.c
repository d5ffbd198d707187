/* What store/lifecycle.h promises: each call is one statement, whose text the driver has. */
#include "store/lifecycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver.h"

/* A table of another program (trait is_foreign) has no versions that go live, and so no record: nothing is known of any name. */
static bool ask(Store *store, LifeQuery query, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx, Err *err)
{
    const char *sql = store->driver->life_sql[query];
    if (sql == NULL)
        return fn != NULL || err_set(err, ERR_BUG, "this store has no versions that go live");
    return store_no_batch(store->driver->query_text(store, sql, params, count, fn, ctx, err), ERR_STOP, err);
}

/* --- reading ----------------------------------------------------------------------------------------------------------------- */

static const char *text_of(const char *value)
{
    return value != NULL ? value : "";
}

static int64_t integer_of(const char *value)
{
    return value != NULL ? strtoll(value, NULL, 10) : 0;
}

static int32_t version_of(const char *value)
{
    int64_t number = value != NULL ? strtoll(value, NULL, 10) : STORE_NO_VERSION;
    return number >= 0 && number <= INT32_MAX ? (int32_t)number : STORE_NO_VERSION;
}

static bool is_true(const char *value)
{
    return value != NULL && (value[0] == 't' || value[0] == '1');
}

/* Whoever gets what a statement answers. */
typedef struct Reader {
    StoreLifeFn life_fn;
    StoreAliasFn alias_fn;
    StoreEventFn event_fn;
    StoreNameFn name_fn;
    void *ctx;
} Reader;

static bool take_life(void *ctx, const char *const *values, size_t count, Err *err)
{
    enum { NAME, VERSION, ACTIVE, CREATED, HOST, PATH, RUN, CONTENT, TYPE, EVENT, FIELDS };
    const Reader *reader = ctx;
    if (count != FIELDS)
        return err_set(err, ERR_BUG, "a row has %zu fields", count);
    StoreLife row = {.name = text_of(values[NAME]),
                     .version = version_of(values[VERSION]),
                     .is_active = is_true(values[ACTIVE]),
                     .created_us = integer_of(values[CREATED]),
                     .source_host = text_of(values[HOST]),
                     .source_path = text_of(values[PATH]),
                     .run_id = text_of(values[RUN]),
                     .model_type = text_of(values[TYPE]),
                     .event = text_of(values[EVENT])};
    row.has_content = values[CONTENT] != NULL && digest_parse(values[CONTENT], &row.content);
    return row.version == STORE_NO_VERSION || reader->life_fn(reader->ctx, &row, err);
}

static bool take_alias(void *ctx, const char *const *values, size_t count, Err *err)
{
    enum { NAME, ALIAS, VERSION, SET_AT, SET_BY, FIELDS };
    const Reader *reader = ctx;
    if (count != FIELDS)
        return err_set(err, ERR_BUG, "an alias has %zu fields", count);
    StoreAlias alias = {.name = text_of(values[NAME]),
                        .alias = text_of(values[ALIAS]),
                        .version = version_of(values[VERSION]),
                        .set_us = integer_of(values[SET_AT]),
                        .set_by = text_of(values[SET_BY])};
    return reader->alias_fn(reader->ctx, &alias, err);
}

static bool take_event(void *ctx, const char *const *values, size_t count, Err *err)
{
    enum { ID, AT, CHANGE, ACTION, NAME, VERSION, WAS, NOW, ACTOR, HOST, PATH, REASON, DETAIL, FIELDS };
    const Reader *reader = ctx;
    if (count != FIELDS)
        return err_set(err, ERR_BUG, "an event has %zu fields", count);
    StoreEvent event = {.id = integer_of(values[ID]),
                        .at_us = integer_of(values[AT]),
                        .change_id = text_of(values[CHANGE]),
                        .action = text_of(values[ACTION]),
                        .name = text_of(values[NAME]),
                        .version = version_of(values[VERSION]),
                        .was_live = version_of(values[WAS]),
                        .now_live = version_of(values[NOW]),
                        .actor = text_of(values[ACTOR]),
                        .source_host = text_of(values[HOST]),
                        .source_path = text_of(values[PATH]),
                        .reason = text_of(values[REASON]),
                        .detail = text_of(values[DETAIL])};
    return reader->event_fn(reader->ctx, &event, err);
}

bool store_read_begin(Store *store, Err *err)
{
    return database_begin(store, false, err);
}

bool store_lives(Store *store, const char *name, StoreLifeFn fn, void *ctx, Err *err)
{
    Reader reader = {.life_fn = fn, .ctx = ctx};
    return ask(store, LIFE_ROWS, &name, 1, take_life, &reader, err);
}

bool store_aliases(Store *store, const char *name, StoreAliasFn fn, void *ctx, Err *err)
{
    Reader reader = {.alias_fn = fn, .ctx = ctx};
    return ask(store, LIFE_ALIASES, &name, 1, take_alias, &reader, err);
}

bool store_events(Store *store, const char *name, StoreEventFn fn, void *ctx, Err *err)
{
    Reader reader = {.event_fn = fn, .ctx = ctx};
    return ask(store, LIFE_EVENTS, &name, 1, take_event, &reader, err);
}

static bool take_name(void *ctx, const char *const *values, size_t count, Err *err)
{
    const Reader *reader = ctx;
    return count == 1 ? reader->name_fn(reader->ctx, text_of(values[0]), err)
                      : err_set(err, ERR_BUG, "a name has %zu fields", count);
}

bool store_event_names(Store *store, StoreNameFn fn, void *ctx, Err *err)
{
    Reader reader = {.name_fn = fn, .ctx = ctx};
    return ask(store, LIFE_EVENT_NAMES, NULL, 0, take_name, &reader, err);
}

static bool take_count(void *ctx, const char *const *values, size_t count, Err *err)
{
    (void)err;
    *(int64_t *)ctx = count > 0 ? integer_of(values[0]) : 0;
    return true;
}

bool store_has_change(Store *store, const char *change_id, bool *has, Err *err)
{
    int64_t there = 0;
    bool ok = ask(store, LIFE_HAS_CHANGE, &change_id, 1, take_count, &there, err);
    *has = there > 0;
    return ok;
}

/* --- writing ----------------------------------------------------------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

bool store_change_ready(Store *store, Err *err)
{
    return store->driver->change_ready(store, err);
}

bool store_lock_name(Store *store, const char *name, Err *err)
{
    return ask(store, LIFE_LOCK, &name, 1, NULL, NULL, err);
}

static const char *number(char out[16], int32_t version)
{
    snprintf(out, 16, "%" PRId32, version);
    return version != STORE_NO_VERSION ? out : NULL;
}

bool store_set_active(Store *store, const char *name, int32_t version, bool active, Err *err)
{
    char text[16];
    const char *params[] = {name, number(text, version), active ? "1" : "0"};
    return ask(store, LIFE_SET_ACTIVE, params, 3, NULL, NULL, err);
}

bool store_set_alias(Store *store, const StoreAlias *alias, Err *err)
{
    char text[16];
    const char *params[] = {alias->name, alias->alias, number(text, alias->version), alias->set_by};
    return ask(store, LIFE_SET_ALIAS, params, 4, NULL, NULL, err);
}

bool store_drop_alias(Store *store, const char *name, const char *alias, Err *err)
{
    const char *params[] = {name, alias};
    return ask(store, LIFE_DROP_ALIAS, params, 2, NULL, NULL, err);
}

bool store_add_event(Store *store, const StoreEvent *event, Err *err)
{
    char version[16], was[16], now[16];
    const char *params[] = {event->change_id,
                            event->action,
                            event->name,
                            number(version, event->version),
                            number(was, event->was_live),
                            number(now, event->now_live),
                            event->actor,
                            or_null(event->source_host),
                            or_null(event->source_path),
                            or_null(event->reason),
                            or_null(event->detail)};
    return ask(store, LIFE_ADD_EVENT, params, sizeof params / sizeof *params, NULL, NULL, err);
}

bool store_delete(Store *store, const char *name, int32_t version, Err *err)
{
    char text[16];
    const char *params[] = {name, number(text, version)};
    return ask(store, LIFE_DELETE, params, 2, NULL, NULL, err);
}
