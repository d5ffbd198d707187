/* recover.c: what happens to a batch that failed. The store is asked, never guessed: the session may have died before or after
 * COMMIT was applied, another writer may have taken a key, or one row may be bad. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/vec.h"
#include "worker.h"

#define CONFLICTS_MAX 4

static Model *item_model(const Worker *worker, const BatchItem *item)
{
    return &worker->run->models->items[item->model];
}

/* A row that the store has: ours when this run wrote it. */
static bool note_found(void *ctx, const StoreVersion *found, Err *err)
{
    Worker *worker = ctx;
    for (size_t i = 0; i < worker->batch.count; i++) {
        BatchItem *item = &worker->batch.items[i];
        const Model *model = item_model(worker, item);
        if (model->version != found->version || strcmp(model->name, found->name) != 0)
            continue;
        item->taken = true;
        item->committed = worker->outcome_unknown && strcmp(found->run_id, worker->run->run_id) == 0 &&
                          digest_equal(&found->content, &model->content);
    }
    return plan_add_stored(worker->run->plan, found, err);
}

/* Learns afresh which versions of the batch's names the store has. */
static bool ask_store(Worker *worker, Err *err)
{
    if (worker->store == NULL && !store_open(worker->run->settings->retry->target, &worker->store, NULL, err))
        return false;
    if (worker->outcome_unknown && !store_wait_writers(worker->store, err))
        return false;
    const char **names = calloc(worker->batch.count, sizeof *names);
    if (names == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < worker->batch.count; i++) {
        names[i] = item_model(worker, &worker->batch.items[i])->name;
        worker->batch.items[i].taken = worker->batch.items[i].committed = false;
        plan_forget_versions(worker->run->plan, worker->batch.items[i].group);
    }
    bool ok = store_find(worker->store, names, worker->batch.count, note_found, worker, err);
    free(names);
    return ok;
}

static bool drop_dead_session(Worker *worker)
{
    if (worker->store == NULL)
        return false;
    store_rollback(worker->store);
    if (store_alive(worker->store))
        return false;
    store_close(worker->store);
    worker->store = NULL;
    return true;
}

/* Once each. */
static bool group_list_add(GroupList *list, uint32_t group, Err *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == group)
            return true;
    uint32_t *added = vec_push(list, err);
    if (added != NULL)
        *added = group;
    return added != NULL;
}

/* The rows of the batch, and what was decided on their word. */
static void back_to_pending(Worker *worker)
{
    for (size_t i = 0; i < worker->batch.count; i++)
        if (item_model(worker, &worker->batch.items[i])->state == MODEL_NEW)
            model_forget_decision(item_model(worker, &worker->batch.items[i]));
    for (size_t i = 0; i < worker->decided.count; i++)
        model_forget_decision(item_model(worker, &worker->decided.items[i]));
    worker->decided.count = 0;
}

static bool requeue_batch(Worker *worker, Err *err)
{
    bool ok = true;
    back_to_pending(worker);
    for (size_t i = 0; ok && i < worker->batch.count; i++)
        ok = group_list_add(&worker->requeued, worker->batch.items[i].group, err);
    batch_clear(worker);
    return ok && (worker->part == NULL || backup_part_undo(worker->part, err));
}

/* The answer to COMMIT was lost. A transaction is there as a whole or not at all. */
static bool settle_lost_commit(Worker *worker, bool *committed, Err *err)
{
    size_t found = 0;
    for (size_t i = 0; i < worker->batch.count; i++)
        found += worker->batch.items[i].committed;
    if (found > 0 && found < worker->batch.count)
        return err_set(err, ERR_BUG, "the store has %zu of the %zu rows of one transaction", found, worker->batch.count);
    *committed = found > 0;
    worker->outcome_unknown = false;
    if (found == 0)
        return true;
    log_line(LOG_INFO, "the answer to COMMIT was lost; the store has all %zu models of the batch", found);
    worker->row = (RetryRow){0};
    if (worker->part != NULL)
        backup_part_keep(worker->part);
    /* A group may have more models that were not reached yet. */
    for (size_t i = 0; i < worker->batch.count; i++)
        if (!item_list_add(&worker->seen, &worker->batch.items[i], err) ||
            !group_list_add(&worker->requeued, worker->batch.items[i].group, err))
            return false;
    batch_clear(worker);
    return batch_settle_decided(worker, err) && batch_journal(worker, err);
}

static bool give_up(Worker *worker, Err *err)
{
    if (worker->store != NULL)
        store_rollback(worker->store);
    back_to_pending(worker);
    if (worker->outcome_unknown || (worker->part != NULL && !backup_part_undo(worker->part, NULL))) {
        pthread_mutex_lock(&worker->run->lock);
        worker->run->outcome_unknown = true;
        pthread_mutex_unlock(&worker->run->lock);
    }
    batch_clear(worker);
    if (retry_is_transient(worker->run->settings->retry, err))
        err->cls = ERR_UNREACHABLE;
    return false;
}

static bool is_recoverable(const Worker *worker, const Err *err)
{
    if (err->cls == ERR_SKIP || err->cls == ERR_CONFLICT)
        return true;
    return retry_may_go_on(worker->run->settings->retry, &worker->row, err);
}

/* What a conflict turns out to be: another writer has one of the keys, and all is well, or a constraint of the user's own refuses
 * one row. */
static ErrClass judge_conflict(Worker *worker)
{
    for (size_t i = 0; i < worker->batch.count; i++) {
        if (worker->batch.items[i].taken) {
            worker->row = (RetryRow){0};
            return ERR_CONFLICT;
        }
    }
    return worker->row.failures > CONFLICTS_MAX ? ERR_SKIP : ERR_CONFLICT;
}

/* One bad row: alone in its batch it is the culprit, else the batch is tried again in halves. */
static void split_or_fail(Worker *worker, Err *err)
{
    if (worker->batch.count > 1) {
        worker->row_cap = (worker->batch.count + 1) / 2;
        return;
    }
    Model *model = item_model(worker, &worker->batch.items[0]);
    err_prefix(err, "%s", model->path);
    model_fail(model, MODEL_FAILED, err);
    worker->batch.items[0].committed = false;
}

/* A session that another one must replace: it is dead, or its server has become a standby. */
static bool drop_useless_session(Worker *worker, const Err *cause)
{
    if (cause->cls != ERR_READ_ONLY)
        return drop_dead_session(worker);
    store_close(worker->store);
    worker->store = NULL;
    return true;
}

/* Learns what the store has, on a new session if need be, with patience. */
static bool ask_with_patience(Worker *worker, const Err *cause, Err *err)
{
    Retry *retry = worker->run->settings->retry;
    for (Err why = *cause;; why = *err) {
        bool fresh = drop_useless_session(worker, &why);
        if (fresh && worker->row.failures == 0)
            retry_count(&worker->row);
        /* COPY itself waits for the other writer of a key. */
        bool waits = fresh || (worker->row.failures > 1 && retry_is_transient(retry, cause));
        if (!waits)
            log_line(LOG_INFO, "worker %u: %s; trying again", worker->number, why.text);
        if (waits ? !retry_sleep(retry, &worker->row, &why, err) : !interrupt_check(err))
            return false;
        if (ask_store(worker, err))
            return true;
        retry_count(&worker->row);
        if (!retry_may_go_on(retry, &worker->row, err))
            return false;
    }
}

bool batch_recover(Worker *worker, Err *err)
{
    Err cause = *err;
    bool committed = false;
    if (worker->batch.count == 0)
        return false;
    if (err->cls != ERR_SKIP)
        retry_count(&worker->row);
    if (!is_recoverable(worker, err) || !ask_with_patience(worker, &cause, err))
        return give_up(worker, err);
    if (worker->outcome_unknown && !settle_lost_commit(worker, &committed, err))
        return give_up(worker, err);
    if (committed)
        return true;
    if (cause.cls == ERR_CONFLICT)
        cause.cls = judge_conflict(worker);
    if (cause.cls == ERR_SKIP)
        split_or_fail(worker, &cause);
    return requeue_batch(worker, err) || give_up(worker, err);
}
