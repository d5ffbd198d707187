/* A whole run into a store that takes one writer at a time: a file, and PostgreSQL with that trait switched off. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../src/store/driver.h"
#include "base/log.h"
#include "flow/run.h"
#include "both.h"

#define MODELS 60

static StoreDriver driver; /* the real one, but for its trait and the calls that are counted below */
static const StoreDriver *real;
static _Thread_local bool inside; /* from begin to commit */
static atomic_int open_batches, most_open, steps, die_at;

/* Before every statement of a batch. */
static void step(void)
{
    if (atomic_fetch_add(&steps, 1) + 1 == atomic_load(&die_at))
        raise(SIGKILL);
}

static void enter(void)
{
    int now = atomic_fetch_add(&open_batches, 1) + 1;
    if (now > atomic_load(&most_open))
        atomic_store(&most_open, now);
    inside = true;
}

static void leave(void)
{
    atomic_fetch_sub(&open_batches, inside);
    inside = false;
}

static bool counted_begin(Store *session, Err *e)
{
    step();
    enter();
    clock_sleep(0.003); /* long enough for the others to come, too */
    if (real->begin(session, e))
        return true;
    leave();
    return false;
}

static bool counted_put(Store *session, const StoredModel *model, Spool *payload, Err *e)
{
    step();
    return real->put(session, model, payload, e);
}

static bool counted_commit(Store *session, StoreOutcome *outcome, Err *e)
{
    step();
    bool ok = real->commit(session, outcome, e);
    if (ok)
        leave();
    step();
    return ok;
}

static void counted_rollback(Store *session)
{
    real->rollback(session);
    leave();
}

static void use_one_writer(void)
{
    real = target->driver;
    driver = *real;
    driver.traits.many_writers = false;
    driver.begin = counted_begin;
    driver.put = counted_put;
    driver.commit = counted_commit;
    driver.rollback = counted_rollback;
    target->driver = &driver;
}

static void write_models(size_t count, size_t bytes)
{
    char name[400];
    snprintf(name, sizeof name, "%s/models", unit_temp_dir());
    ck_assert(mkdir(name, 0700) == 0 || errno == EEXIST);
    unsigned char *data = malloc(bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < count; i++) {
        uint32_t noise = (uint32_t)i + 1;
        for (size_t k = 0; k < bytes; k++)
            data[k] = (unsigned char)((noise = noise * 1664525U + 1013904223U) >> 24);
        snprintf(name, sizeof name, "%s/models/m%02zu.joblib", unit_temp_dir(), i);
        FILE *file = fopen(name, "wb");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
        ck_assert_int_eq(fclose(file), 0);
    }
    free(data);
}

static bool run(uint64_t batch_rows, uint64_t max_memory, RunSummary *summary)
{
    static const char *const patterns[] = {"*.joblib", NULL}, *const none[] = {NULL};
    char models_dir[320], state_dir[320];
    Retry retry = {.target = target, .retries = 2};
    snprintf(models_dir, sizeof models_dir, "%s/models", unit_temp_dir());
    snprintf(state_dir, sizeof state_dir, "%s/state", unit_temp_dir());
    RunSettings settings = {
        .models_dir = models_dir,
        .retry = &retry,
        .state_dir = state_dir,
        .backup = BACKUP_FULL,
        .scan = {.patterns = patterns, .dir_patterns = none, .includes = none, .excludes = none},
        .level = 1,
        .jobs = 4,
        .batch_rows = batch_rows,
        .batch_bytes = UINT64_MAX,
        .max_memory = max_memory,
        .activate = true,
        .upgrade = true,
    };
    SourceTree tree = {.root = -1};
    ModelList models = {0};
    *summary = (RunSummary){0};
    bool ok = run_models(&settings, &tree, &models, summary, &err);
    source_tree_close(&tree);
    model_list_free(&models);
    return ok;
}

static void start_server(void)
{
    log_set_level(LOG_ERROR);
    set_up_server();
    use_one_writer();
}

static void start_file(void)
{
    log_set_level(LOG_ERROR);
    set_up_file();
    use_one_writer();
}

/* What the server can hash; a proof tells it of a file. */
static void check_payloads(size_t count)
{
    char name[32], expected[24];
    snprintf(expected, sizeof expected, "%zu", count);
    if (!on_file)
        ck_assert_str_eq(ask("SELECT count(*) FROM models WHERE stored_sha256 = sha256(model_binary)"), expected);
    for (size_t i = 0; on_file && i < count; i++) {
        StoreProof proof = {.name = name, .version = 1};
        snprintf(name, sizeof name, "m%02zu", i);
        ck_ok(store_verify(store, &proof, 1, &err));
        ck_assert_int_eq(proof.health, STORE_INTACT);
    }
}

static void end(void)
{
    store_close(store);
    store_target_free(target);
    unit_remove_temp();
}

#define STATE_OF_THE_ROWS "SELECT count(*) || ' ' || count(DISTINCT name) || ' ' || count(*) FILTER (WHERE version = 1) FROM models"

START_TEST(one_writer_at_a_time)
{
    RunSummary summary;
    write_models(MODELS, 3000);
    ck_ok(run(5, (uint64_t)256 << 20, &summary));
    ck_assert_uint_eq(summary.new_count, MODELS);
    ck_assert_int_eq(atomic_load(&most_open), 1);
    ck_assert_int_ge(atomic_load(&steps), MODELS + 2 * MODELS / 5);
    ck_assert_str_eq(ask(STATE_OF_THE_ROWS), "60 60 60");
    check_payloads(MODELS);

    int before = atomic_load(&steps);
    ck_ok(run(5, (uint64_t)256 << 20, &summary));
    ck_assert_uint_eq(summary.unchanged_count, MODELS);
    ck_assert_int_eq(atomic_load(&steps), before);
}
END_TEST

START_TEST(refused_row_costs_no_other)
{
    RunSummary summary;
    ask_each("ALTER TABLE models ADD CONSTRAINT not_seven CHECK (name <> 'm07')",
             "ALTER TABLE model_rows ADD COLUMN not_seven INTEGER CHECK (name <> 'm07')");
    write_models(MODELS, 3000);
    ck_ok(run(7, (uint64_t)256 << 20, &summary));
    ck_assert_uint_eq(summary.new_count, MODELS - 1);
    ck_assert_uint_eq(summary.failed_count, 1);
    ck_assert_int_eq(atomic_load(&most_open), 1);
    ck_assert_str_eq(ask(STATE_OF_THE_ROWS), "59 59 59");
}
END_TEST

/* Each worker has 6 MiB, and may keep a third of what is left of it behind the buffers. */
START_TEST(kept_payloads_are_bounded)
{
    RunSummary summary;
    write_models(20, 200 * 1024);
    ck_ok(run(1000, (uint64_t)24 << 20, &summary));
    ck_assert_uint_eq(summary.new_count, 20);
    ck_assert_int_ge(atomic_load(&steps), 20 + 3 * 6); /* far more batches than workers */
    check_payloads(20);
}
END_TEST

/* Killed before each begin, put and commit, and behind the commit: the next run ends as if nothing had been. */
START_TEST(killed_anywhere)
{
    RunSummary summary;
    int killed = 0;
    write_models(12, 2000);
    store_close(store); /* it is not for two processes */
    store = NULL;
    for (int at = 1;; at++) {
        ask("DELETE FROM models");
        ask("DELETE FROM model_runs");
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            atomic_store(&steps, 0);
            atomic_store(&die_at, at);
            _exit(run(3, (uint64_t)256 << 20, &summary) ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        bool ended = WIFEXITED(status);
        killed += !ended;
        ck_assert(ended ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        ck_ok(run(3, (uint64_t)256 << 20, &summary));
        ck_assert_uint_eq(summary.new_count + summary.unchanged_count, 12);
        ck_assert_msg(strcmp(ask(STATE_OF_THE_ROWS), "12 12 12") == 0, "killed at step %d", at);
        if (ended)
            break;
    }
    ck_assert_int_ge(killed, 12 + 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store run");
    TCase *cases[] = {tcase_create("server"), tcase_create("file")};
    tcase_add_checked_fixture(cases[0], start_server, end);
    tcase_add_checked_fixture(cases[1], start_file, end);
    const TTest *const tests[] = {one_writer_at_a_time, refused_row_costs_no_other, kept_payloads_are_bounded, killed_anywhere};
    for (size_t k = 0; k < 2; k++) {
        tcase_set_timeout(cases[k], 120);
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
            tcase_add_test(cases[k], tests[i]);
        suite_add_tcase(suite, cases[k]);
    }
    return unit_run(suite);
}
