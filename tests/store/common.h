/* common.h: what the store tests share, whatever the kind of the store. */
#ifndef TEST_STORE_COMMON_H
#define TEST_STORE_COMMON_H

#include <sys/wait.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "base/clock.h"
#include "base/spool.h"
#include "store/store.h"
#include "schema/schema.h"

#define RUN_ID "0190a5b0-1234-7abc-8def-0123456789ab"

static const StoreTuning quick = {.connect_timeout = 2, .timeout = 2, .lock_timeout = 1};

static inline StoreTarget *target_of(const char *url) {
    Err err = {0};
    StoreTarget *target = NULL;
    ck_ok(store_target_new(url, &quick, &target, &err));
    return target;
}

static inline Store *open_store(const StoreTarget *target) {
    Err err = {0};
    Store *store = NULL;
    ck_ok(store_open(target, &store, NULL, &err));
    return store;
}

/* `bytes` bytes that do not repeat, the same for the same seed. */
static inline void fill_spool(Spool *spool, uint64_t bytes, uint64_t seed, size_t memory_limit) {
    static unsigned char block[65536];
    Err err = {0};
    spool_init(spool, memory_limit, "/tmp");
    for (uint64_t done = 0; done < bytes;) {
        uint64_t left = bytes - done, take = left < sizeof block ? left : sizeof block;
        for (size_t i = 0; i < take; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            block[i] = (unsigned char)(seed >> 56);
        }
        ck_ok(spool_write(spool, block, (size_t)take, &err));
        done += take;
    }
}

/* A row for that payload with right digests. */
static inline StoredModel row_of(const char *name, int32_t version, Spool *payload) {
    Err err = {0};
    static char scratch[1024 * 1024];
    StoredModel row = {.name = name,
                       .version = version,
                       .model_type = "regression",
                       .event = "ev",
                       .is_active = true,
                       .raw_bytes = 5 * payload->bytes,
                       .stored_bytes = payload->bytes,
                       .is_gzip = true,
                       .source_host = "host1",
                       .source_path = "models/a.joblib",
                       .source_mtime_ns = INT64_C(1700000000123456789),
                       .run_id = RUN_ID};
    Sha256 *sha = sha256_new(&err);
    ck_assert_ptr_nonnull(sha);
    const void *data;
    for (uint64_t at = 0; at < payload->bytes;) {
        ptrdiff_t got = spool_view(payload, at, sizeof scratch, scratch, &data, &err);
        ck_assert_msg(got > 0, "%s", err.text);
        ck_ok(sha256_add(sha, data, (size_t)got, &err));
        at += (uint64_t)got;
    }
    ck_ok(sha256_end(sha, &row.stored, &err));
    sha256_free(sha);
    ck_ok(sha256_once(name, strlen(name), &row.content, &err));
    return row;
}

/* One small row in a batch of its own. */
static inline bool put_one(Store *store, const char *name, int32_t version, Err *err) {
    Spool payload;
    fill_spool(&payload, 1000, (uint64_t)version, 1 << 20);
    StoredModel row = row_of(name, version, &payload);
    bool ok = store_begin(store, err) && store_put(store, &row, &payload, err) && store_commit(store, NULL, err);
    if (!ok) store_rollback(store);
    spool_free(&payload);
    return ok;
}

/* What catalog and find bring, joined as name:version lines. */
typedef struct Found {
    char text[8192];
    size_t count, unhashed;
    StoreVersion last;
} Found;

static inline bool note_found(void *ctx, const StoreVersion *version, Err *err) {
    Found *found = ctx;
    size_t used = strlen(found->text);
    (void)err;
    snprintf(found->text + used, sizeof found->text - used, "%s:%d\n", version->name, version->version);
    found->count++;
    found->unhashed += version->is_unhashed;
    found->last = *version;
    return true;
}

/* One store for each test. */
static StoreTarget *target __attribute__((unused));
static Store *store __attribute__((unused));
static Err err __attribute__((unused));

static inline void reopen(void)
{
    store_close(store);
    store = open_store(target);
}

static inline bool count_revision(void *ctx, const SchemaRevision *revision, Err *e) {
    (void)e;
    (void)revision;
    ++*(int *)ctx;
    return true;
}

/* What a process of its own does as soon as the gate opens: how many revisions it applied, or 9 for a failure. */
static inline int upgrade_in_child(const StoreTarget *where, int gate) {
    char byte;
    int applied = 0;
    Store *mine = NULL;
    Err e = {0};
    if (read(gate, &byte, 1) != 0 || !store_open(where, &mine, NULL, &e) || !schema_upgrade(mine, count_revision, &applied, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 9;
    }
    store_close(mine);
    return applied;
}

/* Four processes upgrade one store at once: how many revisions they applied together. None may fail. */
static inline int upgrade_at_once_in_processes(const StoreTarget *where) {
    enum { CHILDREN = 4 };
    int gate[2], status, applied = 0;
    ck_assert_int_eq(pipe(gate), 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            close(gate[1]);
            _exit(upgrade_in_child(where, gate[0]));
        }
    }
    close(gate[1]); /* all start now */
    for (int i = 0; i < CHILDREN; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 3);
        applied += WEXITSTATUS(status);
    }
    close(gate[0]);
    return applied;
}

#endif
