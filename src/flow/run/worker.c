#include "worker.h"

#include <stdlib.h>

#include "base/interrupt.h"
#include "base/log.h"

#define SEEN_MAX 256 /* settled without a commit: journal them together */

/* The first error of any worker ends the run; the others finish the batch in hand. Exit 3 would say that the run got to its end. */
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
    if (run->handed_back.count > 0)
        *group = run->handed_back.items[--run->handed_back.count];
    else if (run->next_work < plan_work_count(run->plan))
        *group = plan_work_group(run->plan, run->next_work++);
    else
        return false;
    return true;
}

/* False: nothing is left. A worker with nothing in hand has ended then: from this moment on nobody hands work back to it. */
static bool next_group(Worker *worker, uint32_t *group)
{
    Run *run = worker->run;
    pthread_mutex_lock(&run->lock);
    bool found = take_group(worker, group);
    if (!found && worker->batch.count == 0 && worker->seen.count == 0 && worker->has_session) {
        run->sessions--;
        worker->has_session = false;
    }
    pthread_mutex_unlock(&run->lock);
    return found;
}

static bool read_model(Worker *worker, Model *model, Packed *packed, Err *err)
{
    Run *run = worker->run;
    if (!pack_model(worker->packer, run->tree.root, model, packed, err))
        return false;
    if (!model_set_content(model, &packed->content, packed->is_tar ? &packed->members : NULL, err))
        return false;
    model->stamp = packed->stamp;
    model->stored_bytes = packed->stored_bytes;
    atomic_fetch_add(&run->read_count, 1);
    atomic_fetch_add(&run->read_bytes, packed->raw_bytes);
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

/* One model's own fault: it is reported, the others go on. */
static bool fail_model(Worker *worker, Model *model, const Err *err)
{
    if (err->cls != ERR_SKIP)
        return false;
    log_line(LOG_INFO, "%s", err->text);
    model_fail(model, MODEL_FAILED, err);
    atomic_fetch_add(&worker->run->failed_count, 1);
    return true;
}

static bool do_model(Worker *worker, uint32_t group, Model *model, Err *err)
{
    Packed packed;
    if (!read_model(worker, model, &packed, err))
        return fail_model(worker, model, err);
    plan_decide(worker->run->plan, group, model);
    if (model->state == MODEL_NEW && worker->run->settings->verify_stored && !worker->run->settings->dry_run &&
        !verify_packed(model, &packed, err))
        return fail_model(worker, model, err);
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
                         .memory_limit = run_payload_memory(worker->share),
                         .temp_dir = run->state.temp_dir,
                         .follow_links = settings->scan.follow_links,
                         .keep_payload = !settings->dry_run};
    worker->row_cap = settings->batch_rows;
    worker->packer = packer_new(&pack, err);
    return worker->packer != NULL;
}

/* Takes groups until none is left; what is open is flushed last, and a failed batch comes back as requeued groups. */
static bool work(Worker *worker, Err *err)
{
    while (!worker->retired) {
        uint32_t group;
        bool ok;
        if (next_group(worker, &group))
            ok = do_group(worker, group, err);
        else if (worker->batch.count > 0 || worker->seen.count > 0)
            ok = batch_flush(worker, err);
        else
            return true;
        /* A signal: what is in the batch is stored, unless it was the store that did not answer. */
        if (!ok && err->cls == ERR_INTERRUPTED && worker->batch.count > 0 && store_alive(worker->store))
            ok = batch_flush(worker, err);
        if (!ok && !batch_recover(worker, err))
            return false;
    }
    return true;
}

static void stop(Worker *worker)
{
    packer_free(worker->packer);
    store_close(worker->store);
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
