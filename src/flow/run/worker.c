#include "worker.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "flow/progress.h"
#include "../share.h"

#define SEEN_MAX 256 /* settled without a commit: journal them together */

/* The first error of any worker ends the run; the others finish the batch in hand. Exit code 3 would
 * claim that the run finished. */
static void fail_run(Run *run, const Err *err)
{
    pthread_mutex_lock(&run->lock);
    if (run->first_error.cls == ERR_NONE) {
        run->first_error = *err;
        if (err->cls == ERR_SKIP || err->cls == ERR_CONFLICT)
            run->first_error.cls = ERR_STOP;
    }
    pthread_mutex_unlock(&run->lock);
}

static bool take_group(Worker *worker, uint32_t *group)
{
    Run *run = worker->run;
    if (run->first_error.cls != ERR_NONE || interrupt_signal() != 0)
        return false;
    if (worker->requeued.count > 0) {
        *group = worker->requeued.items[--worker->requeued.count];
        return true;
    }
    worker->row_cap = run->settings->batch_rows;
    if (run->next_work >= plan_work_count(run->plan))
        return false;
    *group = plan_work_group(run->plan, run->next_work++);
    return true;
}

static bool next_group(Worker *worker, uint32_t *group)
{
    pthread_mutex_lock(&worker->run->lock);
    bool found = take_group(worker, group);
    pthread_mutex_unlock(&worker->run->lock);
    return found;
}

static bool has_work(Run *run)
{
    pthread_mutex_lock(&run->lock);
    bool has = run->next_work < plan_work_count(run->plan) && run->first_error.cls == ERR_NONE;
    pthread_mutex_unlock(&run->lock);
    return has;
}

/* This worker takes no work any more. False: `others_needed`, and it is the last one. */
static bool leave(Run *run, bool others_needed)
{
    pthread_mutex_lock(&run->lock);
    bool may = !others_needed || run->active > 1;
    run->active -= may;
    pthread_mutex_unlock(&run->lock);
    return may;
}

/* A session first, work second: a worker for which the store has none ends with nothing in hand, and the others go on. *left: it
 * has ended. */
static bool get_session(Worker *worker, bool *left, Err *err)
{
    Run *run = worker->run;
    Err why = {0};
    bool full;
    if (run->settings->dry_run || worker->store != NULL || worker->requeued.count > 0 || worker->batch.count > 0 || !has_work(run))
        return true;
    if (store_open(run->settings->retry->target, &worker->store, &full, &why))
        return true;
    if (full && leave(run, true)) {
        log_line(LOG_INFO, "worker %u: %s; the others go on without it", worker->number, why.text);
        *left = true;
        return true;
    }
    return retry_open(run->settings->retry, &worker->store, err);
}

static bool read_model(Worker *worker, uint32_t group, Model *model, Packed *packed, Err *err)
{
    Run *run = worker->run;
    progress_begin("reading %s", model->path);
    packer_hash_junk(worker->packer, plan_has_versions(run->plan, group));
    if (!pack_model(worker->packer, run->tree.root, model, packed, err))
        return false;
    if (!model_set_content(model, &packed->content, packed->is_tar ? &packed->members : NULL, err))
        return false;
    Content whole = {.kind = CONTENT_DIRECTORY, .digest = packed->whole_content, .members = &packed->whole_members};
    if (packed->has_whole && !plan_accept(run->plan, group, model, &whole, err))
        return false;
    model->stamp = packed->stamp;
    model->stored_bytes = packed->stored_bytes;
    atomic_fetch_add(&run->read_count, 1);
    atomic_fetch_add(&run->read_bytes, packed->raw_bytes);
    progress_add(1, packed->raw_bytes);
    return true;
}

static bool settle_without_store(Worker *worker, uint32_t group, Model *model, const Packed *packed, Err *err)
{
    Content content = model_content(model);
    if (worker->run->settings->dry_run)
        return model->state != MODEL_NEW || plan_note_version(worker->run->plan, group, model->version, &content, err);
    BatchItem item = {.group = group,
                      .model = (uint32_t)(model - worker->run->models->items),
                      .stamp = packed->stamp,
                      .read_ns = packed->read_ns};
    return batch_decided(worker, group, &item, err);
}

static bool is_too_young(const Run *run, const Model *model)
{
    return run->settings->min_age > 0 &&
           (double)model->stamp.mtime_ns > (double)clock_real_ns() - run->settings->min_age * 1e9;
}

/* Its writer is not done: that is no failure. */
static bool leave_busy(Model *model, const char *why)
{
    model_refuse(model, MODEL_BUSY, "%s: %s", model->path, why);
    return true;
}

/* One model's own fault: it is reported, the others go on. */
static bool fail_model(Model *model, const Err *err)
{
    if (err->cls != ERR_SKIP)
        return false;
    log_line(LOG_INFO, "%s", err->text);
    model_fail(model, MODEL_FAILED, err);
    progress_failed();
    progress_add(1, model->stamp.size);
    return true;
}

/* Not live, where those who read its name could not load it and something that they can load is stored. */
static void hold_back(const Worker *worker, Model *model, const Packed *packed)
{
    const Run *run = worker->run;
    bool is_file = model->kind == MODEL_FILE;
    if (model->state == MODEL_NEW && run->pickles.wanted && is_file && packed->has_pickle && !packed->is_plain)
        model_refuse(model, MODEL_NEW, "%s: is stored as joblib wrote it, not as a plain pickle: %s", model->path,
                     packed->no_plain);
    model->withheld = model->state == MODEL_NEW && !packed->is_plain && pickles_are_read(run, model->name);
    if (model->withheld)
        model_refuse(model, MODEL_NEW,
                     "%s: is stored as %s@%d, but not live: readers of this name call pickle.loads, which cannot load it%s%s",
                     model->path, model->name, (int)model->version, is_file && packed->no_plain[0] != '\0' ? ": " : "",
                     is_file ? packed->no_plain : "");
}

static bool do_model(Worker *worker, uint32_t group, Model *model, Err *err)
{
    Packed packed;
    if (is_too_young(worker->run, model))
        return leave_busy(model, "is younger than the age that was asked for; left for the next run");
    if (!read_model(worker, group, model, &packed, err)) {
        if (err->cls == ERR_SKIP && packer_was_busy(worker->packer))
            return leave_busy(model, "is still being written; left for the next run");
        return fail_model(model, err);
    }
    plan_decide(worker->run->plan, group, model);
    hold_back(worker, model, &packed);
    if (model->state == MODEL_NEW && worker->run->settings->verify_stored && !worker->run->settings->dry_run &&
        !verify_packed(model, &packed, err))
        return fail_model(model, err);
    if (model->state == MODEL_NEW && !worker->run->settings->dry_run)
        return batch_put(worker, group, model, &packed, err);
    return settle_without_store(worker, group, model, &packed, err);
}

static bool do_group(Worker *worker, uint32_t group, Err *err)
{
    Model *items = worker->run->models->items;
    for (uint32_t i = plan_first(worker->run->plan, group); i != UINT32_MAX; i = items[i].next) {
        if (items[i].state != MODEL_PENDING)
            continue;
        if (!do_model(worker, group, &items[i], err))
            return false;
        if (batch_is_full(worker) && !batch_flush(worker, err))
            return false;
    }
    return worker->seen.count < SEEN_MAX || worker->batch.count > 0 || batch_journal(worker, err);
}

static bool start(Worker *worker, Err *err)
{
    Run *run = worker->run;
    const RunSettings *settings = run->settings;
    PackSettings pack = {.level = settings->level,
                         .memory_limit = run->many_writers ? share_for_payload(worker->share) : batch_keep_memory(worker),
                         .temp_dir = run->state.temp_dir,
                         .rules = &settings->scan,
                         .keep_payload = !settings->dry_run,
                         .plain = run->pickles.wanted};
    worker->row_cap = settings->batch_rows;
    worker->packer = packer_new(&pack, err);
    return worker->packer != NULL;
}

/* Takes groups until none is left; what is open is flushed last, and a failed batch comes back as requeued groups. */
static bool work(Worker *worker, Err *err)
{
    for (bool left = false;;) {
        uint32_t group;
        bool ok;
        if (!get_session(worker, &left, err))
            return false;
        if (left)
            return true;
        if (next_group(worker, &group))
            ok = do_group(worker, group, err);
        else if (worker->batch.count > 0 || worker->seen.count > 0)
            ok = batch_flush(worker, err);
        else
            return leave(worker->run, false);
        /* A signal: what is in the batch is stored, unless it was the store that did not answer. */
        if (!ok && err->cls == ERR_INTERRUPTED && worker->batch.count > 0 && store_alive(worker->store))
            ok = batch_flush(worker, err);
        if (!ok && !batch_recover(worker, err))
            return false;
    }
}

static void stop(Worker *worker)
{
    packer_free(worker->packer);
    if (worker->number > 0) /* the run goes on with that of worker 0 */
        store_close(worker->store);
    keep_free(&worker->keep);
    free(worker->batch.items);
    free(worker->seen.items);
    free(worker->decided.items);
    free(worker->requeued.items);
}

void *worker_main(void *arg)
{
    Worker *worker = arg;
    Run *run = worker->run;
    Err err = {0};
    if (!start(worker, &err) || !work(worker, &err))
        fail_run(run, &err);
    stop(worker);
    pthread_mutex_lock(&run->lock);
    run->workers_left--;
    pthread_cond_signal(&run->worker_ended);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}
