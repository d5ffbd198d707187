/* fake_store.h: a store in memory that fails where a test wants it to, and a run of a small tree into it.
 *
 * Set `fake` before the run. Whatever fails does so a given number of times, then never again. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "../../../src/store/driver.h"
#include "../unit.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/run.h"
#include "schema/schema.h"

typedef struct FakeRow {
    char name[100], run_id[37];
    int32_t version;
    bool is_tar;
    Digest content;
} FakeRow;

typedef VEC(FakeRow) FakeRows;

typedef struct FakeStore {
    Store base;
    FakeRows open; /* rows of the open transaction */
    bool is_dead;
} FakeStore;

static struct {
    FakeRows rows;
    const char *bad_name; /* a put of this name … */
    ErrClass put_class;   /* … fails with this class … */
    unsigned put_fails;   /* … so often */
    unsigned commit_fails, open_fails, full_fails;
    StoreOutcome commit_outcome; /* of a commit that fails */
    bool commit_applies;         /* … though its rows are there */
    size_t commit_loses;         /* … but for so many, which no real store does */
    FakeRow rival;               /* name "": none. Else another writer commits this row at the next commit, which then fails */
    bool conflict_always;        /* every commit of bad_name is refused as a conflict, and nothing explains it */
    unsigned opened, commits;
} fake;
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;

static bool fake_take(unsigned *count)
{
    bool taken = *count > 0;
    *count -= taken;
    return taken;
}

static FakeRow *fake_find_row(const char *name, int32_t version)
{
    for (size_t i = 0; i < fake.rows.count; i++)
        if (fake.rows.items[i].version == version && strcmp(fake.rows.items[i].name, name) == 0)
            return &fake.rows.items[i];
    return NULL;
}

static bool fake_lose(FakeStore *store, Err *err)
{
    store->is_dead = true;
    return err_set(err, ERR_RETRY, "the server closed the connection");
}

static bool fake_open(const StoreTarget *target, Store **out, bool *full, Err *err)
{
    pthread_mutex_lock(&fake_lock);
    bool away = fake_take(&fake.open_fails);
    *full = !away && fake.opened > 0 && fake_take(&fake.full_fails);
    fake.opened += !away && !*full;
    pthread_mutex_unlock(&fake_lock);
    if (away || *full)
        return err_set(err, ERR_RETRY, *full ? "too many sessions" : "nobody answers");
    FakeStore *store = calloc(1, sizeof *store);
    ck_assert_ptr_nonnull(store);
    store->base = (Store){.driver = target->driver, .target = target, .place = (char *)"fake"};
    *out = &store->base;
    return true;
}

static void fake_close(Store *base)
{
    FakeStore *store = (FakeStore *)base;
    free(store->open.items);
    free(store);
}

static bool fake_alive(const Store *base)
{
    return base != NULL && !((const FakeStore *)base)->is_dead;
}

static bool fake_identity(Store *base, char out[STORE_IDENTITY_SIZE], Err *err)
{
    (void)base;
    (void)err;
    snprintf(out, STORE_IDENTITY_SIZE, "00000000-0000-7000-8000-000000000000");
    return true;
}

static bool fake_transaction_begin(Store *base, bool write, Err *err)
{
    (void)base;
    (void)write;
    (void)err;
    return true;
}

static bool fake_inspect(Store *base, bool to_change, Err *err)
{
    return fake_transaction_begin(base, to_change, err);
}

static bool fake_has_table(Store *base, const char *identifier, bool *has, Err *err)
{
    (void)base;
    (void)identifier;
    (void)err;
    *has = true;
    return true;
}

#define FAKE_NO_ROWS "no rows"

/* Which revisions are applied: all. Nobody said anything of a version. */
static bool fake_query_text(Store *base, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx, Err *err)
{
    SchemaRevisions known = {0};
    (void)params;
    (void)count;
    if (strcmp(sql, FAKE_NO_ROWS) == 0)
        return true;
    ck_assert_ptr_nonnull(strstr(sql, "SELECT revision, checksum"));
    bool ok = schema_revisions(base->driver->traits.dialect, &known, err);
    for (size_t i = 0; ok && i < known.count; i++)
        ok = fn(ctx, (const char *[]){known.items[i].id, known.items[i].checksum}, 2, err);
    schema_revisions_free(&known);
    return ok;
}

static bool fake_emit(const FakeRow *row, StoreVersionFn fn, void *ctx, Err *err)
{
    StoreVersion version = {.name = row->name, .source_path = "", .version = row->version, .content = row->content, .has_format = true, .is_tar = row->is_tar};
    text_copy(version.run_id, sizeof version.run_id, row->run_id);
    return fn(ctx, &version, err);
}

static bool fake_find(Store *base, const char *const *names, size_t count, StoreVersionFn fn, void *ctx, Err *err)
{
    (void)base;
    bool ok = true;
    pthread_mutex_lock(&fake_lock);
    for (size_t r = 0; ok && r < fake.rows.count; r++) {
        bool wanted = count == 0;
        for (size_t i = 0; i < count; i++)
            wanted = wanted || strcmp(names[i], fake.rows.items[r].name) == 0;
        ok = !wanted || fake_emit(&fake.rows.items[r], fn, ctx, err);
    }
    pthread_mutex_unlock(&fake_lock);
    return ok;
}

static bool fake_catalog(Store *base, StoreVersionFn fn, void *ctx, Err *err)
{
    return fake_find(base, NULL, 0, fn, ctx, err);
}

static bool fake_wait_writers(Store *base, Err *err)
{
    (void)base;
    (void)err;
    return true;
}

static bool fake_begin(Store *base, Err *err)
{
    FakeStore *store = (FakeStore *)base;
    store->open.count = 0;
    return !store->is_dead || fake_lose(store, err);
}

static bool fake_put(Store *base, const StoredModel *model, Spool *payload, Err *err)
{
    FakeStore *store = (FakeStore *)base;
    (void)payload;
    pthread_mutex_lock(&fake_lock);
    bool fails = fake.bad_name != NULL && !fake.conflict_always && strcmp(model->name, fake.bad_name) == 0 && fake_take(&fake.put_fails);
    pthread_mutex_unlock(&fake_lock);
    if (fails && fake.put_class == ERR_RETRY)
        return fake_lose(store, err);
    if (fails)
        return err_set(err, fake.put_class, "this row is refused");
    FakeRow *row = vec_push(&store->open, err);
    ck_assert_ptr_nonnull(row);
    *row = (FakeRow){.version = model->version, .is_tar = model->is_tar, .content = model->content};
    text_copy(row->name, sizeof row->name, model->name);
    text_copy(row->run_id, sizeof row->run_id, model->run_id);
    return true;
}

static bool fake_put_alone(Store *base, const StoredModel *model, Spool *payload, Err *err)
{
    pthread_mutex_lock(&fake_lock);
    bool taken = fake_find_row(model->name, model->version) != NULL;
    pthread_mutex_unlock(&fake_lock);
    return taken ? err_set(err, ERR_CONFLICT, "a key is there") : fake_put(base, model, payload, err);
}

static void fake_apply(const FakeStore *store, size_t but)
{
    Err err = {0};
    for (size_t i = 0; i + but < store->open.count; i++) {
        ck_assert_msg(fake_find_row(store->open.items[i].name, store->open.items[i].version) == NULL, "%s is there twice",
                      store->open.items[i].name);
        FakeRow *row = vec_push(&fake.rows, &err);
        ck_assert_ptr_nonnull(row);
        *row = store->open.items[i];
    }
}

/* What stands against a commit: a key that is taken. */
static bool fake_is_free(const FakeStore *store)
{
    bool is_free = true;
    for (size_t i = 0; i < store->open.count; i++)
        is_free = is_free && fake_find_row(store->open.items[i].name, store->open.items[i].version) == NULL &&
               !(fake.conflict_always && strcmp(store->open.items[i].name, fake.bad_name) == 0);
    return is_free;
}

static bool fake_settle(FakeStore *store, StoreOutcome *outcome, Err *err)
{
    fake.commits++;
    *outcome = STORE_REFUSED;
    if (fake.rival.name[0] != '\0') {
        Err ignored = {0};
        FakeRow *row = vec_push(&fake.rows, &ignored);
        ck_assert_ptr_nonnull(row);
        *row = fake.rival;
        fake.rival.name[0] = '\0';
    }
    if (!fake_is_free(store))
        return err_set(err, ERR_CONFLICT, "a key is there");
    if (fake_take(&fake.commit_fails)) {
        if (fake.commit_applies)
            fake_apply(store, fake.commit_loses);
        *outcome = fake.commit_outcome;
        return fake_lose(store, err);
    }
    fake_apply(store, 0);
    *outcome = STORE_COMMITTED;
    return true;
}

static bool fake_commit(Store *base, StoreOutcome *outcome, Err *err)
{
    FakeStore *store = (FakeStore *)base;
    pthread_mutex_lock(&fake_lock);
    bool ok = fake_settle(store, outcome, err);
    pthread_mutex_unlock(&fake_lock);
    store->open.count = 0;
    return ok;
}

static void fake_rollback(Store *base)
{
    ((FakeStore *)base)->open.count = 0;
}

static bool fake_run_note(Store *base, const StoreRun *run, Err *err)
{
    (void)run;
    return !((FakeStore *)base)->is_dead || fake_lose((FakeStore *)base, err);
}

static const StoreDriver fake_driver = {.traits = {.dialect = "postgresql", .many_writers = true, .inline_default = 1 << 28, .inline_max = 1 << 28},
                                        .open = fake_open,
                                        .close = fake_close,
                                        .alive = fake_alive,
                                        .identity = fake_identity,
                                        .transaction_begin = fake_transaction_begin,
                                        .query_text = fake_query_text,
                                        .life_sql = {[LIFE_ALIASES] = FAKE_NO_ROWS, [LIFE_EVENT_NAMES] = FAKE_NO_ROWS},
                                        .has_table = fake_has_table,
                                        .inspect = fake_inspect,
                                        .catalog = fake_catalog,
                                        .find = fake_find,
                                        .wait_writers = fake_wait_writers,
                                        .begin = fake_begin,
                                        .put = fake_put,
                                        .put_alone = fake_put_alone,
                                        .commit = fake_commit,
                                        .rollback = fake_rollback,
                                        .run_begin = fake_run_note,
                                        .run_end = fake_run_note};
static const StoreTarget fake_target = {.driver = &fake_driver, .label = (char *)"fake", .key = (char *)"fake"};

/* --- a tree and a run of it -------------------------------------------------------------------------------------------------- */

static ModelList models;
static RunSummary summary;
static RunSettings settings;
static Retry patience;
static Err err;
static const char *const fake_patterns[] = {"*.joblib", NULL};
static const char *const fake_dir_patterns[] = {"bertopic_model_*", NULL};

static inline void source(const char *name, const char *content)
{
    char path[600];
    snprintf(path, sizeof path, "%s/tree/%s", unit_temp_dir(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    ck_assert_int_eq(close(fd), 0);
}

static inline void setup(void)
{
    static char tree[400], state[400];
    snprintf(tree, sizeof tree, "%s/tree", unit_temp_dir());
    snprintf(state, sizeof state, "%s/state", unit_temp_dir());
    ck_assert_int_eq(mkdir(tree, 0700), 0);
    log_set_level(LOG_ERROR);
    memset(&fake, 0, sizeof fake);
    fake.commit_outcome = STORE_UNKNOWN;
    patience.target = &fake_target;
    patience.retries = 3;
    settings = (RunSettings){.models_dir = tree,
                             .retry = &patience,
                             .state_dir = state,
                             .backup = BACKUP_FULL,
                             .scan = {.patterns = fake_patterns, .dir_patterns = fake_dir_patterns},
                             .level = 1,
                             .jobs = 1,
                             .batch_rows = 1000,
                             .batch_bytes = 1 << 25,
                             .max_memory = 1 << 28,
                             .activate = true};
}

static inline void teardown(void)
{
    model_list_free(&models);
    free(fake.rows.items);
    unit_remove_temp();
}

static inline bool run(void)
{
    SourceTree tree = {.root = -1};
    model_list_free(&models);
    summary = (RunSummary){0};
    err = (Err){0};
    bool ok = run_models(&settings, &tree, &models, &summary, &err);
    source_tree_close(&tree);
    return ok;
}

static inline const Model *model_of(const char *path)
{
    for (uint32_t i = 0; i < models.count; i++)
        if (strcmp(models.items[i].path, path) == 0)
            return &models.items[i];
    ck_abort_msg("%s is not in the list", path);
}

static inline void expect(const char *path, ModelState state, int32_t version, const char *part)
{
    const Model *model = model_of(path);
    const char *reason = model->reason != NULL ? model->reason : "";
    ck_assert_msg(model->state == state, "%s is %s: %s", path, model_state_name((ModelState)model->state), reason);
    ck_assert_msg(model->version == version, "%s has version %d", path, (int)model->version);
    ck_assert_msg(part == NULL || strstr(reason, part) != NULL, "%s: \"%s\"", path, reason);
}

static inline int by_name(const void *a, const void *b)
{
    return strcmp(((const FakeRow *)a)->name, ((const FakeRow *)b)->name);
}

/* The rows as "name@version …". */
static inline const char *rows(void)
{
    static char text[4000];
    size_t used = 0;
    text[0] = '\0';
    if (fake.rows.count > 0)
        qsort(fake.rows.items, fake.rows.count, sizeof *fake.rows.items, by_name);
    for (size_t i = 0; i < fake.rows.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s@%d", i > 0 ? " " : "", fake.rows.items[i].name,
                                 (int)fake.rows.items[i].version);
    return text;
}

#endif
