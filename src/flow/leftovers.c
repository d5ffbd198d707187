/* leftovers.c: the backup of a run that was killed holds rows that may or may not have been committed; the store tells. */
#include "base/log.h"
#include "base/strmap.h"
#include "flow/worker.h"

/* The keys in the store with the run that wrote each, as "name\nversion\nrun". */
typedef struct StoredKeys {
    StrMap map;
    Arena arena;
} StoredKeys;

static bool format_key(Buf *key, const char *name, int32_t version, const char *run_id, Err *err)
{
    buf_clear(key);
    return buf_format(key, err, "%s\n%d\n%s", name, (int)version, run_id);
}

static bool note_key(void *ctx, const StoreVersion *version, Err *err)
{
    StoredKeys *keys = ctx;
    Buf key = {0};
    bool ok = format_key(&key, version->name, version->version, version->run_id, err);
    const char *copy = ok ? arena_copy(&keys->arena, key.data, key.len, err) : NULL;
    buf_free(&key);
    return copy != NULL && strmap_add(&keys->map, copy, 0, NULL, err);
}

static bool is_key_stored(void *ctx, const char *name, int32_t version, const char *run_id, bool *stored, Err *err)
{
    StoredKeys *keys = ctx;
    Buf key = {0};
    bool ok = format_key(&key, name, version, run_id, err);
    if (ok)
        *stored = strmap_get(&keys->map, key.data) != STRMAP_NONE;
    buf_free(&key);
    return ok;
}

bool leftovers_recover(Run *run, Err *err)
{
    StoredKeys keys = {0};
    bool needs = false, ok;
    if (run->settings->dry_run)
        return true;
    ok = backup_needs_recovery(run->state.backup_dir, store_place(run->store), &needs, err);
    if (ok && needs) {
        log_line(LOG_INFO, "an earlier run did not end; putting its backup right");
        ok = store_wait_writers(run->store, err) && store_catalog(run->store, note_key, &keys, err) &&
             backup_recover(run->state.backup_dir, store_place(run->store), is_key_stored, &keys, err);
    }
    strmap_free(&keys.map);
    arena_free(&keys.arena);
    return ok;
}
