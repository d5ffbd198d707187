#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "driver.h"
#include "store/into.h"
#include "store/library.h"

/* The scheme of `scheme://` or `scheme+driver://`, without the driver; 0 when there is none. */
static size_t scheme_length(const char *url)
{
    const char *colon = strstr(url, "://");
    size_t len = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    if (colon == NULL || url + len != colon)
        return 0;
    return strcspn(url, "+:");
}

static bool scheme_is(const char *url, const char *name)
{
    size_t len = scheme_length(url);
    return len == strlen(name) && strncasecmp(url, name, len) == 0;
}

static bool new_target(const StoreDriver *driver, const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err)
{
    if (!driver->target_new(url, tuning, out, err))
        return false;
    (*out)->driver = driver;
    return true;
}

static const StoreDriver *const drivers[] = {&store_sqlite_driver, &store_postgres_driver};
static const size_t driver_count = sizeof drivers / sizeof *drivers;

/* The last one takes what is of no other kind. */
static const StoreDriver *driver_of(const char *url)
{
    size_t i = 0;
    while (i + 1 < driver_count && !drivers[i]->is_address(url))
        i++;
    return drivers[i];
}

bool store_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err)
{
    const StoreDriver *driver = driver_of(url);
    if (driver->is_address == NULL && scheme_length(url) > 0 && !scheme_is(url, "postgresql") && !scheme_is(url, "postgres")) {
        err_set(err, ERR_USAGE, "%.*s:// is no database that this program knows", (int)scheme_length(url), url);
        return err_hint(err, "use postgresql://user@host/database or sqlite:///file.db");
    }
    return new_target(driver, url, tuning, out, err);
}

bool store_target_default(const StoreTuning *tuning, StoreTarget **out, bool *named, Err *err)
{
    *named = true;
    for (size_t i = 0; i < driver_count; i++)
        if (drivers[i]->in_environment != NULL && drivers[i]->in_environment())
            return new_target(drivers[i], "", tuning, out, err);
    *named = false;
    return new_target(&store_sqlite_driver, "./models.db", tuning, out, err);
}

void store_target_free(StoreTarget *target)
{
    if (target != NULL)
        target->driver->target_free(target);
}

bool store_target_into(StoreTarget *target, const char *table, Err *err)
{
    if (target->driver->into != NULL)
        return target->driver->into(target, table, err);
    return err_set(err, ERR_USAGE, "%s: only a database behind a server has tables of somebody else's", target->label);
}

bool store_other_tables(Store *store, Buf *names, Err *err)
{
    return store->driver->other_tables == NULL || store->driver->other_tables(store, names, err);
}

void store_target_may_create(StoreTarget *target)
{
    target->may_create = true;
}

const char *store_target_file(const StoreTarget *target)
{
    return target->driver->file != NULL ? target->driver->file(target) : NULL;
}

bool store_target_is_missing(const StoreTarget *target)
{
    return target->driver->is_missing != NULL && target->driver->is_missing(target);
}

void store_target_may_be_missing(StoreTarget *target)
{
    target->may_be_missing = true;
}

void store_target_clear(StoreTarget *target)
{
    free(target->label);
    free(target->key);
}

const char *store_target_label(const StoreTarget *target)
{
    return target->label;
}

const char *store_target_key(const StoreTarget *target)
{
    return target->key;
}

const StoreTraits *store_traits(const StoreTarget *target)
{
    return &target->driver->traits;
}

bool store_target_has_password(const char *url)
{
    return url != NULL && driver_of(url)->has_password(url);
}

bool store_library(size_t kind, char *out, size_t cap)
{
    if (kind >= driver_count)
        return false;
    drivers[kind]->library(out, cap);
    return true;
}

bool store_open(const StoreTarget *target, Store **out, bool *full, Err *err)
{
    bool ignored;
    if (full == NULL)
        full = &ignored;
    *full = false;
    return target->driver->open(target, out, full, err);
}

void store_close(Store *store)
{
    if (store != NULL)
        store->driver->close(store);
}

const char *store_place(const Store *store)
{
    return store->place;
}

const StoreTarget *store_target(const Store *store)
{
    return store->target;
}

bool store_no_batch(bool ok, ErrClass whole, Err *err)
{
    if (!ok && err != NULL && (err->cls == ERR_SKIP || err->cls == ERR_CONFLICT))
        err->cls = whole;
    return ok;
}

bool store_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err)
{
    return store_no_batch(store->driver->identity(store, out, err), ERR_STOP, err);
}

bool store_catalog(Store *store, StoreVersionFn fn, void *ctx, Err *err)
{
    return store_no_batch(store->driver->catalog(store, fn, ctx, err), ERR_STOP, err);
}

bool store_odd_rows(Store *store, const char *name, StoreOddFn fn, void *ctx, Err *err)
{
    return store->driver->odd_rows == NULL || store_no_batch(store->driver->odd_rows(store, name, fn, ctx, err), ERR_STOP, err);
}

bool store_pickles(Store *store, StorePickleFn fn, void *ctx, Err *err)
{
    return store->driver->pickles == NULL || store_no_batch(store->driver->pickles(store, fn, ctx, err), ERR_STOP, err);
}

/* A name that cannot be asked for, because the store's encoding lacks a character of it, cannot be there. */
bool store_find(Store *store, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    Err why = {0};
    if (store->driver->find(store, names, count, fn, ctx, &why))
        return true;
    if (why.cls == ERR_SKIP)
        return count <= 1 || (store_find(store, names, count / 2, fn, ctx, err) &&
                              store_find(store, names + count / 2, count - count / 2, fn, ctx, err));
    if (err != NULL)
        *err = why;
    return false;
}

void store_use_digests(Store *store, bool keep)
{
    if (store->driver->use_digests != NULL)
        store->driver->use_digests(store, keep);
}

bool store_wait_writers(Store *store, Err *err)
{
    return store_no_batch(store->driver->wait_writers(store, err), ERR_STOP, err);
}

bool store_list(Store *store, const StoreFilter *filter, StoredModelFn fn, void *ctx, Err *err)
{
    static const StoreFilter all = {0};
    return store_no_batch(store->driver->list(store, filter != NULL ? filter : &all, fn, ctx, err), ERR_STOP, err);
}

bool store_examine(Store *store, Err *err)
{
    return store->driver->examine == NULL || store->driver->examine(store, err);
}

bool store_verify(Store *store, StoreProof *proofs, size_t count, Err *err)
{
    return store_no_batch(store->driver->verify(store, proofs, count, err), ERR_STOP, err);
}

const char *store_doubt_text(StoreDoubt doubt)
{
    static const char *const texts[] = {
        [STORE_KEPT] = "",
        [STORE_STANDBY] = "the database is a standby; only a primary can vouch for a row",
        [STORE_FSYNC_OFF] = "the database runs with fsync off; after a crash it may have nothing of this row",
        [STORE_TORN_PAGES] = "the database runs with full_page_writes off; a crash may tear this row",
        [STORE_UNLOGGED] = "the table of the row is unlogged or temporary; a crash empties it",
        [STORE_IN_MEMORY] = "the file of the store is on a file system in memory; a restart of the machine empties it",
        [STORE_UNLOCKED] = "the file of the store is read with immutable=1: what another program does to it is not seen",
        [STORE_UNLOGGED_CHUNKS] = "the table of chunks is unlogged or temporary; a crash empties it",
    };
    return texts[doubt];
}

bool store_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err)
{
    return store->driver->fetch_open(store, name, version, stored_bytes, err);
}

bool store_fetch_next(Store *store, const void **data, size_t *len, Err *err)
{
    return store->driver->fetch_next(store, data, len, err);
}

void store_fetch_close(Store *store)
{
    store->driver->fetch_close(store);
}

bool store_inline_limit(const StoreTarget *target, uint64_t wanted, uint64_t *limit, Err *err)
{
    const StoreTraits *traits = store_traits(target);
    char given[24], most[24];
    *limit = wanted > 0 ? wanted : traits->inline_default;
    return *limit <= traits->inline_max ||
           err_set(err, ERR_USAGE, "an inline limit of %s is too large; this database holds at most %s in one value",
                   text_bytes(given, *limit), text_bytes(most, traits->inline_max));
}

uint32_t store_chunk_count(uint64_t stored_bytes, uint64_t inline_limit)
{
    if (stored_bytes <= inline_limit)
        return 0;
    return (uint32_t)((stored_bytes + STORE_CHUNK_BYTES - 1) / STORE_CHUNK_BYTES);
}

bool store_begin(Store *store, Err *err)
{
    return store->driver->begin(store, err);
}

bool store_put(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    return store->driver->put(store, model, payload, err);
}

bool store_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    return store->driver->put_alone(store, model, payload, err);
}

bool store_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    StoreOutcome ignored;
    return store->driver->commit(store, outcome != NULL ? outcome : &ignored, err);
}

void store_rollback(Store *store)
{
    if (store != NULL)
        store->driver->rollback(store);
}

bool store_alive(const Store *store)
{
    return store != NULL && store->driver->alive(store);
}

bool store_run_begin(Store *store, const StoreRun *run, Err *err)
{
    return store_no_batch(store->driver->run_begin(store, run, err), ERR_STOP, err);
}

bool store_run_end(Store *store, const StoreRun *run, Err *err)
{
    return store_no_batch(store->driver->run_end(store, run, err), ERR_STOP, err);
}
