#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/progress.h"
#include "model/identify.h"
#include "../share.h"
#include "worker.h"

bool item_list_add(ItemList *list, const BatchItem *item, Err *err)
{
    BatchItem *added = vec_push(list, err);
    if (added != NULL)
        *added = *item;
    return added != NULL;
}

BackupOwner run_owner(const Run *run)
{
    return (BackupOwner){.place = run->place, .store_id = run->store_id, .host = run->host};
}

/* The row of this run in model_runs, before the first model that refers to it. A run that stores nothing writes none. */
static bool begin_run_once(Worker *worker, Err *err)
{
    Run *run = worker->run;
    pthread_mutex_lock(&run->begin_lock);
    BackupOwner owner = run_owner(run);
    bool ok = run->run_begun || ((run->backup == NULL || backup_begin(run->backup, &owner, err)) &&
                                 store_run_begin(worker->store, &run->record, err));
    run->run_begun = run->run_begun || ok;
    pthread_mutex_unlock(&run->begin_lock);
    return ok;
}

static bool open_session(Worker *worker, Err *err)
{
    return (worker->store != NULL || store_open(worker->run->settings->retry->target, &worker->store, NULL, err)) &&
           begin_run_once(worker, err);
}

static bool begin_batch(Worker *worker, Err *err)
{
    if (!open_session(worker, err) || !store_begin(worker->store, err))
        return false;
    retry_note_write(worker->run->settings->retry);
    return true;
}

/* A session may be lost unnoticed while a large model is packed (idle_session_timeout, a firewall). Nothing is open yet, so a new
 * one does, and at once: the model is not packed a second time, which would take just as long. */
static bool on_a_session(Worker *worker, bool (*step)(Worker *worker, Err *err), Err *err)
{
    bool was_idle = worker->store != NULL;
    Err why = {0};
    if (step(worker, &why))
        return true;
    if (was_idle && why.cls == ERR_RETRY && !store_alive(worker->store)) {
        log_line(LOG_INFO, "worker %u: %s; trying again with a new session", worker->number, why.text);
        store_close(worker->store);
        worker->store = NULL;
        return step(worker, err);
    }
    *err = why;
    return false;
}

/* Before the first row of a batch. A store with many writers has it in a transaction from now on. */
static bool open_batch(Worker *worker, Err *err)
{
    return on_a_session(worker, worker->run->many_writers ? begin_batch : open_session, err);
}

/* The row goes out at once, or is kept until the batch is full. */
static bool send_row(Worker *worker, const StoredModel *row, Spool *payload, Err *err)
{
    if (worker->part != NULL && !backup_part_add(worker->part, row, payload, err))
        return false;
    return worker->run->many_writers ? store_put(worker->store, row, payload, err) : keep_add(&worker->keep, row, payload, err);
}

/* Makes one row of what was read; the identity is worked out again, it is not kept for every model of the tree. */
bool run_source_path(const Model *model, Buf *out, Err *err)
{
    size_t len = strlen(model->path);
    buf_clear(out);
    if (!buf_reserve(out, 4 * len + 1, err))
        return false;
    if (text_utf8_valid(model->path, len) && !text_has_control(model->path, len))
        text_copy(out->data, out->cap, model->path);
    else
        text_escape(out->data, out->cap, model->path, len);
    return true;
}

static bool put_row(Worker *worker, const Model *model, const Packed *packed, Err *err)
{
    const Run *run = worker->run;
    Identity *identity = malloc(sizeof *identity);
    Buf shown = {0};
    bool ok = false;
    if (identity == NULL || !run_source_path(model, &shown, err)) {
        err_no_memory(err);
        goto out;
    }
    if (!identify(model, run->tree.map, identity, err))
        goto out;
    StoredModel row = packed_row(model, packed);
    row.model_type = identity->model_type;
    row.event = identity->event;
    row.is_active = run->settings->activate && !model->inactive && !model->withheld;
    row.chunk_count = store_chunk_count(packed->stored_bytes, run->inline_limit);
    row.source_host = run->host;
    row.source_path = shown.data;
    row.run_id = run->run_id;
    ok = send_row(worker, &row, packed->payload, err);
out:
    buf_free(&shown);
    free(identity);
    return ok;
}

bool batch_put(Worker *worker, uint32_t group, Model *model, const Packed *packed, Err *err)
{
    BatchItem item = {.group = group,
                      .model = (uint32_t)(model - worker->run->models->items),
                      .stamp = packed->stamp,
                      .read_ns = packed->read_ns};
    bool opened = worker->batch.count > 0;
    if (!item_list_add(&worker->batch, &item, err)) {
        model->state = MODEL_PENDING; /* not in the batch: nobody else puts it back */
        return false;
    }
    worker->batch_bytes += packed->stored_bytes;
    Content content = model_content(model);
    return (opened || open_batch(worker, err)) &&
           plan_note_version(worker->run->plan, group, model->version, &content, err) &&
           put_row(worker, model, packed, err);
}

bool batch_decided(Worker *worker, uint32_t group, const BatchItem *item, Err *err)
{
    size_t count = worker->batch.count; /* the models of a group come one after the other */
    bool uncommitted = count > 0 && worker->batch.items[count - 1].group == group;
    if (uncommitted)
        return item_list_add(&worker->decided, item, err);
    return worker->run->models->items[item->model].state != MODEL_UNCHANGED || item_list_add(&worker->seen, item, err);
}

bool batch_settle_decided(Worker *worker, Err *err)
{
    for (size_t i = 0; i < worker->decided.count; i++) {
        const BatchItem *item = &worker->decided.items[i];
        if (worker->run->models->items[item->model].state == MODEL_UNCHANGED && !item_list_add(&worker->seen, item, err))
            return false;
    }
    worker->decided.count = 0;
    return true;
}

size_t batch_keep_memory(const Worker *worker)
{
    return share_for_payload(worker->share) / 2;
}

void batch_clear(Worker *worker)
{
    worker->batch.count = 0;
    worker->batch_bytes = 0;
    keep_clear(&worker->keep);
}

bool batch_is_full(const Worker *worker)
{
    const RunSettings *settings = worker->run->settings;
    return worker->batch.count >= worker->row_cap || worker->batch_bytes >= settings->batch_bytes ||
           keep_is_full(&worker->keep, batch_keep_memory(worker));
}

static bool fill_record(const Run *run, const BatchItem *item, JournalRecord *record, Err *err)
{
    const Model *model = &run->models->items[item->model];
    char *path = fs_join(run->tree.root_path, model->path);
    if (path == NULL)
        return err_no_memory(err);
    *record = journal_record_of(model, path, &item->stamp, item->read_ns);
    return true;
}

bool batch_journal(Worker *worker, Err *err)
{
    Run *run = worker->run;
    if (worker->seen.count == 0)
        return true;
    JournalRecord *records = calloc(worker->seen.count, sizeof *records);
    bool ok = records != NULL || err_no_memory(err);
    size_t filled = 0;
    while (ok && filled < worker->seen.count) {
        ok = fill_record(run, &worker->seen.items[filled], &records[filled], err);
        filled += ok;
    }
    if (ok) {
        pthread_mutex_lock(&run->journal_lock);
        ok = journal_append(run->state.journal, records, filled, err);
        pthread_mutex_unlock(&run->journal_lock);
    }
    for (size_t i = 0; i < filled; i++)
        free((char *)records[i].path);
    free(records);
    worker->seen.count = 0;
    return ok;
}

static bool commit(Worker *worker, Err *err)
{
    StoreOutcome outcome;
    if (store_commit(worker->store, &outcome, err))
        return true;
    worker->outcome_unknown = outcome == STORE_UNKNOWN;
    return false;
}

/* All of a kept batch; the transaction is open for as long as it takes to send it. */
static bool commit_kept(Worker *worker, Err *err)
{
    pthread_mutex_lock(&worker->run->writer_lock);
    bool ok = on_a_session(worker, begin_batch, err) && keep_put(&worker->keep, worker->store, err) && commit(worker, err);
    if (!ok)
        store_rollback(worker->store); /* before another writer's turn */
    pthread_mutex_unlock(&worker->run->writer_lock);
    return ok;
}

static bool store_batch(Worker *worker, Err *err)
{
    progress_begin("committing");
    if (worker->part != NULL && !backup_part_sync(worker->part, err))
        return false;
    if (!(worker->run->many_writers ? commit(worker, err) : commit_kept(worker, err)))
        return false;
    worker->row = (RetryRow){0};
    if (worker->part != NULL)
        backup_part_keep(worker->part);
    for (size_t i = 0; i < worker->batch.count; i++)
        if (!item_list_add(&worker->seen, &worker->batch.items[i], err))
            return false;
    batch_clear(worker);
    return batch_settle_decided(worker, err);
}

bool batch_flush(Worker *worker, Err *err)
{
    return (worker->batch.count == 0 || store_batch(worker, err)) && batch_journal(worker, err);
}
