#define _GNU_SOURCE
#include "flow/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "flow/progress.h"
#include "../share.h"
#include "worker.h"
#include "schema/schema.h"

static bool open_root(Run *run, Err *err)
{
    if (!source_tree_open(run->settings->models_dir, &run->tree, err))
        return false;
    run->record.models_dir = run->tree.root_path;
    return true;
}

static bool check_schema(Run *run, Err *err)
{
    if (!run->settings->dry_run)
        return schema_make_ready(run->store, run->settings->retry->target, run->settings->upgrade, err);
    SchemaState state;
    if (!schema_state(run->store, &state, err))
        return false;
    if (state.kind == SCHEMA_UNKNOWN) /* no upgrade would help: the run would stop here too */
        return schema_require_head(run->store, run->settings->retry->target, err);
    run->summary->schema_missing = state.kind != SCHEMA_HEAD;
    return true;
}

/* The session may be another one later on. */
static bool know_store(Run *run, Err *err)
{
    free(run->place);
    run->place = strdup(store_place(run->store));
    if (run->place == NULL)
        return err_no_memory(err);
    return store_identity(run->store, run->store_id, err) &&
           (run->settings->dry_run || journal_know_store(run->state.journal, run->store_id, err));
}

typedef struct Step {
    Run *run;
    bool (*ask)(Run *run, Err *err);
} Step;

static bool ask_once(void *ctx, Err *err)
{
    const Step *step = ctx;
    return step->ask(step->run, err);
}

/* A step that asks the first session, and that another session may repeat. */
static bool ask_with_patience(Run *run, bool (*ask)(Run *run, Err *err), Err *err)
{
    Step step = {.run = run, .ask = ask};
    return retry_step(run->settings->retry, &run->store, ask_once, &step, err);
}

/* Of a store that nobody has met from here there is no state folder, and a mistyped address must not make one. Nothing is written
 * before the lock is taken. */
static bool meet_store_first(Run *run, Err *err)
{
    const RunSettings *settings = run->settings;
    if (state_is_there(&run->state) || store_target_file(settings->retry->target) != NULL)
        return true;
    return settings->upgrade ? retry_open(settings->retry, &run->store, err) : ask_with_patience(run, check_schema, err);
}

static bool open_state(Run *run, Err *err)
{
    const RunSettings *settings = run->settings;
    if (!state_locate(settings->state_dir, settings->backup_dir, settings->retry->target, &run->state, err))
        return false;
    if (settings->dry_run)
        return true;
    if (!meet_store_first(run, err) || !state_open(&run->state, run->run_id, err))
        return false;
    text_copy(run->summary->journal, sizeof run->summary->journal, run->state.journal_path);
    return settings->backup == BACKUP_NONE || backup_open(run->state.backup_dir, run->run_id, settings->backup, &run->backup, err);
}

/* --- the work ---------------------------------------------------------------------------------------------------------------- */

static unsigned worker_count(const Run *run)
{
    uint64_t count = run->settings->jobs, room = run->settings->max_memory / (SHARE_OVERHEAD + SHARE_LEAST);
    count = count < room ? count : room;
    count = count < plan_work_count(run->plan) ? count : plan_work_count(run->plan);
    return count > 0 ? (unsigned)count : 1;
}

static void count_active(Run *run, int change)
{
    pthread_mutex_lock(&run->lock);
    run->active += (unsigned)change;
    run->workers_started += (unsigned)change;
    run->workers_left += (unsigned)change;
    pthread_mutex_unlock(&run->lock);
}

/* *failed: the system has no thread for it. */
static bool start_worker(Run *run, Worker *worker, int *failed, Err *err)
{
    bool backed_up = !run->settings->dry_run && run->settings->backup != BACKUP_NONE;
    if (backed_up && (worker->part = backup_part(run->backup, worker->number, err)) == NULL)
        return false;
    count_active(run, 1);
    *failed = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (*failed != 0)
        count_active(run, -1);
    return true;
}

static bool start_workers(Run *run, Worker *workers, unsigned count, Err *err)
{
    for (unsigned i = 0; i < count; i++) {
        int failed = 0;
        workers[i].run = run;
        workers[i].number = i;
        workers[i].share = run->settings->max_memory / count;
        if (!start_worker(run, &workers[i], &failed, err))
            return false;
        if (failed != 0 && i > 0) {
            log_line(LOG_WARN, "only %u of %u workers can be started: %s", i, count, strerror(failed));
            return true;
        }
        if (failed != 0) {
            err_set_errno(err, ERR_STOP, failed, "cannot start a worker");
            return err_hint(err, "the limit of processes or of memory is too low (ulimit -u, ulimit -v)");
        }
    }
    return true;
}

/* What comes after the work goes on with the session of worker 0, if that still has one. */
static void take_back_session(Run *run, Worker *first)
{
    if (store_alive(first->store))
        run->store = first->store;
    else
        store_close(first->store);
}

static void wait_for_workers(Run *run)
{
    pthread_mutex_lock(&run->lock);
    while (run->workers_left > 0)
        pthread_cond_wait(&run->worker_ended, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

static bool do_work(Run *run, Err *err)
{
    unsigned count = worker_count(run);
    if (plan_work_count(run->plan) == 0)
        return true;
    Worker *workers = calloc(count, sizeof *workers);
    if (workers == NULL)
        return err_no_memory(err);
    Err start_err = {0};
    progress_phase(run->settings->dry_run ? "reading" : "storing", plan_work_count(run->plan), plan_work_bytes(run->plan));
    workers[0].store = run->store;
    run->store = NULL;
    if (!start_workers(run, workers, count, &start_err)) {
        pthread_mutex_lock(&run->lock);
        run->first_error = run->first_error.cls == ERR_NONE ? start_err : run->first_error;
        pthread_mutex_unlock(&run->lock);
    }
    wait_for_workers(run);
    for (unsigned i = 0; i < run->workers_started; i++)
        pthread_join(workers[i].thread, NULL);
    take_back_session(run, &workers[0]);
    free(workers);
    if (run->first_error.cls == ERR_NONE)
        return interrupt_check(err);
    *err = run->first_error;
    return false;
}

/* --- the end ----------------------------------------------------------------------------------------------------------------- */

static bool finish_backup(Run *run, Err *err)
{
    uint64_t rows = 0;
    if (run->backup == NULL || run->outcome_unknown)
        return true;
    if (!backup_finish(run->backup, &rows, err))
        return false;
    if (rows > 0)
        text_copy(run->summary->backup, sizeof run->summary->backup, backup_path(run->backup));
    return true;
}

static bool write_record(Run *run, Err *err)
{
    return (run->store != NULL || store_open(run->settings->retry->target, &run->store, NULL, err)) &&
           store_run_end(run->store, &run->record, err);
}

/* The session of worker 0 may have been lost unnoticed. */
static bool write_record_anyhow(Run *run, Err *err)
{
    bool was_open = run->store != NULL;
    if (write_record(run, err))
        return true;
    if (!was_open || err->cls != ERR_RETRY || store_alive(run->store))
        return false;
    store_close(run->store);
    run->store = NULL;
    return write_record(run, err);
}

/* The counts of the run, when it wrote anything. The rows are committed already: a store that has gone away since costs only this.
 */
static void finish_run_record(Run *run)
{
    const RunSummary *summary = run->summary;
    Err err = {0};
    StoreRun *record = &run->record;
    record->new_count = summary->new_count;
    record->unchanged_count = summary->unchanged_count;
    record->conflict_count = summary->conflict_count;
    record->failed_count = summary->failed_count;
    record->raw_bytes = summary->raw_bytes;
    record->stored_bytes = summary->stored_bytes;
    record->exit_code = summary->exit_code;
    if (!run->run_begun)
        return;
    if (!write_record_anyhow(run, &err))
        log_line(LOG_WARN, "%sthe counts of run %s could not be written: %s",
                 summary->pending_count == 0 ? "the models are stored, but " : "", run->run_id, err.text);
}

static int exit_code(const RunSummary *summary, const Err *err)
{
    if (err->cls == ERR_INTERRUPTED)
        return 128 + interrupt_signal();
    if (err->cls != ERR_NONE)
        return err_exit_code(err->cls);
    return summary->failed_count + summary->conflict_count > 0 ? err_exit_code(ERR_SKIP) : 0;
}

static bool close_books(Run *run, const Err *work_err, Err *err)
{
    bool ok = summary_count(run->models, run->summary, err) && finish_backup(run, err);
    run->summary->read_count = atomic_load(&run->read_count);
    run->summary->read_bytes = atomic_load(&run->read_bytes);
    run->summary->exit_code = exit_code(run->summary, ok ? work_err : err);
    finish_run_record(run);
    return ok && (work_err->cls != ERR_NONE || run->settings->dry_run || compact_journal(run, err));
}

static void free_run(Run *run)
{
    store_close(run->store);
    plan_free(run->plan);
    pickles_free(&run->pickles);
    free(run->place);
    backup_close(run->backup);
    state_close(&run->state);
    pthread_mutex_destroy(&run->lock);
    pthread_mutex_destroy(&run->begin_lock);
    pthread_mutex_destroy(&run->writer_lock);
    pthread_mutex_destroy(&run->journal_lock);
    pthread_cond_destroy(&run->worker_ended);
}

/* Who runs this, where, and under which identifier. */
static void introduce(Run *run)
{
    id_new_uuid(run->run_id);
    run->start_ns = clock_real_ns();
    host_name(run->host, sizeof run->host);
    host_user(run->user, sizeof run->user);
    run->record = (StoreRun){.run_id = run->run_id, .host = run->host, .user_name = run->user, .program_version = PROGRAM_VERSION};
    run->summary->dry_run = run->settings->dry_run;
    text_copy(run->summary->run_id, sizeof run->summary->run_id, run->run_id);
}

static bool look_through(Run *run, Err *err)
{
    progress_phase("looking through the folder", 0, 0);
    bool ok = compare_tree(run, err);
    progress_phase("comparing with the database", 0, 0);
    return ok;
}

bool run_models(const RunSettings *settings, SourceTree *tree, ModelList *models, RunSummary *summary, Err *err)
{
    Run run = {.settings = settings, .models = models, .summary = summary, .tree = {.root = -1}, .state = {.lock = {.fd = -1}}};
    double started = clock_seconds();
    Err work_err = {0};
    pthread_mutex_init(&run.lock, NULL);
    pthread_mutex_init(&run.begin_lock, NULL);
    pthread_mutex_init(&run.writer_lock, NULL);
    pthread_mutex_init(&run.journal_lock, NULL);
    pthread_cond_init(&run.worker_ended, NULL);
    introduce(&run);
    run.many_writers = store_traits(settings->retry->target)->many_writers;
    bool ok = store_inline_limit(settings->retry->target, settings->inline_limit, &run.inline_limit, &work_err) &&
              open_root(&run, &work_err) && open_state(&run, &work_err) && ask_with_patience(&run, check_schema, &work_err) &&
              ask_with_patience(&run, know_store, &work_err) && look_through(&run, &work_err) && missing_look(&run, &work_err) &&
              ask_with_patience(&run, compare_store, &work_err) && ask_with_patience(&run, pickles_ask, &work_err) &&
              do_work(&run, &work_err) && returns_settle(&run, &work_err) && leftovers_finish(&run, &work_err);
    Err end_err = {0};
    if (!close_books(&run, &work_err, &end_err) && ok) {
        work_err = end_err;
        ok = false;
    }
    summary->exit_code = exit_code(summary, &work_err);
    summary->seconds = clock_seconds() - started;
    if (!ok && err != NULL)
        *err = work_err;
    *tree = run.tree;
    free_run(&run);
    return ok;
}
