#include "deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "flow/progress.h"

bool deliver_init(Deliver *deliver, Err *err)
{
    deliver->items = calloc(DELIVER_WINDOW_ROWS, sizeof *deliver->items);
    return deliver->items != NULL || err_no_memory(err);
}

void deliver_free(Deliver *deliver)
{
    store_close(deliver->store);
    known_free(&deliver->known);
    free(deliver->items);
}

void deliver_settle(Deliver *deliver, DeliverItem *item, RowStatus status, const char *reason)
{
    item->done = true;
    item->status = status;
    text_copy(item->reason, sizeof item->reason, reason);
    deliver->settled[status]++;
    progress_add(1, item->model.stored_bytes);
    if (status == ROW_FAILED)
        progress_failed();
}

void deliver_settle_stored(Deliver *deliver, DeliverItem *item)
{
    deliver_settle(deliver, item, item->sent ? ROW_STORED : ROW_PRESENT, "");
}

const char *deliver_reason(const StoredModel *model, const char *text)
{
    size_t len = strlen(model->name);
    char at[20], pair[20]; /* name@version, and the (name, version) of a database */
    int at_len = snprintf(at, sizeof at, "@%d: ", (int)model->version);
    int pair_len = snprintf(pair, sizeof pair, ", %d): ", (int)model->version);
    if (strncmp(text, model->name, len) == 0 && strncmp(text + len, at, (size_t)at_len) == 0)
        return text + len + at_len;
    if (text[0] == '(' && strncmp(text + 1, model->name, len) == 0 && strncmp(text + 1 + len, pair, (size_t)pair_len) == 0)
        return text + 1 + len + pair_len;
    return text;
}

static void settle_refused(Deliver *deliver, DeliverItem *item, const Err *why)
{
    const char *reason = deliver_reason(&item->model, why->text);
    deliver_settle(deliver, item, ROW_FAILED, reason);
    log_line(LOG_ERROR, "%s@%d: %s", item->model.name, (int)item->model.version, reason);
}

static bool judge(Deliver *deliver, size_t index, Err *err)
{
    KnownAnswer answer;
    DeliverItem *item = &deliver->items[index];
    if (!known_version(&deliver->known, &item->model, &answer, err))
        return false;
    if (answer == KNOWN_SAME)
        deliver_settle_stored(deliver, item);
    else if (answer == KNOWN_OTHER)
        deliver->source->other(deliver->ctx, index);
    return answer != KNOWN_FREE || deliver->source->vacant == NULL || deliver->source->vacant(deliver->ctx, index, err);
}

/* --- the session ------------------------------------------------------------------------------------------------------------- */

/* Asks for the names of the items that are not settled, and settles what needs no sending. */
static bool ask_about(Deliver *deliver, size_t from, size_t to, Err *err)
{
    const char **names = calloc(to - from + 1, sizeof *names);
    size_t count = 0;
    bool ok = names != NULL || err_no_memory(err);
    for (size_t i = from; ok && i < to; i++)
        if (!deliver->items[i].done)
            names[count++] = deliver->items[i].model.name;
    ok = ok && (deliver->is_empty || known_ask(&deliver->known, deliver->store, names, count, err));
    for (size_t i = from; ok && i < to; i++)
        if (!deliver->items[i].done)
            ok = judge(deliver, i, err);
    free(names);
    return ok;
}

static bool ask(Deliver *deliver, Err *err)
{
    return (deliver->store != NULL || store_open(deliver->retry->target, &deliver->store, NULL, err)) &&
           ask_about(deliver, 0, deliver->count, err);
}

/* After an error for now: a new session, if the old one is lost, and all is asked anew. */
static bool wait_and_ask(Deliver *deliver, Err *err)
{
    for (;;) {
        if (deliver->store != NULL && (!store_alive(deliver->store) || err->cls == ERR_READ_ONLY)) {
            store_close(deliver->store);
            deliver->store = NULL;
        }
        if (!retry_pause(deliver->retry, &deliver->row, err))
            return false;
        known_free(&deliver->known);
        if (ask(deliver, err))
            return true;
    }
}

/* --- sending ----------------------------------------------------------------------------------------------------------------- */

typedef bool (*PutFn)(Store *store, const StoredModel *model, Spool *payload, Err *err);

/* A row whose payload is not whole is settled without a word to the store. */
static bool put_item(Deliver *deliver, size_t index, PutFn put, Err *err)
{
    DeliverItem *item = &deliver->items[index];
    const char *fault = NULL;
    if (!interrupt_check(err) || !deliver->source->load(deliver->ctx, index, &deliver->payload, &fault, err))
        return false;
    if (fault != NULL) {
        deliver->source->settle_fault(deliver->ctx, index, fault);
        return true;
    }
    progress_begin("sending %s@%d", item->model.name, (int)item->model.version);
    if (!put(deliver->store, &item->model, &deliver->payload, err))
        return false;
    item->sent = true;
    return true;
}

static bool begin(Deliver *deliver, Err *err)
{
    if ((deliver->store == NULL && !store_open(deliver->retry->target, &deliver->store, NULL, err)) ||
        !store_begin(deliver->store, err))
        return false;
    retry_note_write(deliver->retry);
    return true;
}

static bool commit(Deliver *deliver, size_t from, size_t to, StoreOutcome *outcome, Err *err)
{
    progress_begin("committing");
    bool ok = store_commit(deliver->store, outcome, err);
    for (size_t i = from; ok && i < to; i++) {
        DeliverItem *item = &deliver->items[i];
        if (item->done || !item->sent)
            continue;
        deliver_settle_stored(deliver, item);
        deliver->row = (RetryRow){0};
        ok = known_add(&deliver->known, &item->model, err);
    }
    return ok;
}

/* What was sent is not there, unless nobody knows what became of the COMMIT: then it is asked for. */
static bool give_up_batch(Deliver *deliver, size_t from, size_t to, StoreOutcome outcome)
{
    store_rollback(deliver->store);
    for (size_t i = from; i < to && outcome == STORE_REFUSED; i++)
        deliver->items[i].sent = false;
    return false;
}

static bool put_those(Deliver *deliver, size_t from, size_t to, bool chunked, Err *err)
{
    for (size_t i = from; i < to; i++) {
        const DeliverItem *item = &deliver->items[i];
        if (!item->done && (item->model.chunk_count > 0) == chunked && !put_item(deliver, i, store_put, err))
            return false;
    }
    return true;
}

/* Those with chunks first, as store_put wants them. */
static bool send_batch(Deliver *deliver, size_t from, size_t to, Err *err)
{
    StoreOutcome outcome = STORE_REFUSED;
    if (!begin(deliver, err))
        return false;
    if (!put_those(deliver, from, to, true, err) || !put_those(deliver, from, to, false, err))
        return give_up_batch(deliver, from, to, outcome);
    return commit(deliver, from, to, &outcome, err) || give_up_batch(deliver, from, to, outcome);
}

/* --- a batch with a row that the store refuses ------------------------------------------------------------------------------- */

static bool put_alone(Deliver *deliver, size_t index, bool *conflict, Err *err)
{
    DeliverItem *item = &deliver->items[index];
    Err why = {0};
    if (put_item(deliver, index, store_put_alone, &why))
        return true;
    if (why.cls == ERR_CONFLICT && ++item->conflicts == 1)
        *conflict = true; /* another writer has the key, or soon will not */
    else if (why.cls == ERR_CONFLICT || why.cls == ERR_SKIP)
        settle_refused(deliver, item, &why);
    else
        *err = why;
    return why.cls == ERR_CONFLICT || why.cls == ERR_SKIP;
}

/* *conflict: some keys are taken. */
static bool send_one_by_one(Deliver *deliver, size_t from, size_t to, bool *conflict, Err *err)
{
    StoreOutcome outcome = STORE_REFUSED;
    *conflict = false;
    if (!begin(deliver, err))
        return false;
    for (size_t i = from; i < to; i++)
        if (!deliver->items[i].done && !put_alone(deliver, i, conflict, err))
            return give_up_batch(deliver, from, to, outcome);
    if (commit(deliver, from, to, &outcome, err))
        return true;
    if (err->cls == ERR_SKIP || err->cls == ERR_CONFLICT) /* every row was taken by itself */
        err->cls = ERR_STOP;
    return give_up_batch(deliver, from, to, outcome);
}

/* Who has the keys that are taken? Nobody: a constraint of the table's owner refuses the row, and the next try settles it. */
static bool judge_conflicts(Deliver *deliver, size_t from, size_t to, Err *err)
{
    Known before = deliver->known;
    deliver->known = (Known){0};
    bool ok = ask_about(deliver, from, to, err);
    known_free(&deliver->known);
    deliver->known = before;
    return ok;
}

static bool send_with_care(Deliver *deliver, size_t from, size_t to, Err *err)
{
    bool conflict;
    do {
        if (!send_one_by_one(deliver, from, to, &conflict, err) || (conflict && !judge_conflicts(deliver, from, to, err)))
            return false;
    } while (conflict);
    return true;
}

/* --- a window ---------------------------------------------------------------------------------------------------------------- */

static size_t end_of_batch(const Deliver *deliver, size_t from)
{
    uint64_t rows = 0, bytes = 0;
    size_t to = from;
    while (to < deliver->count && rows < deliver->batch_rows && bytes < deliver->batch_bytes) {
        const DeliverItem *item = &deliver->items[to++];
        rows += !item->done;
        bytes += item->done ? 0 : item->model.stored_bytes;
    }
    return to;
}

static bool has_work(const Deliver *deliver, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!deliver->items[i].done)
            return true;
    return false;
}

static bool send_all(Deliver *deliver, Err *err)
{
    for (size_t from = 0; from < deliver->count;) {
        size_t to = end_of_batch(deliver, from);
        Err why = {0};
        bool ok = !has_work(deliver, from, to) || send_batch(deliver, from, to, &why);
        if (!ok && (why.cls == ERR_SKIP || why.cls == ERR_CONFLICT)) {
            why = (Err){0};
            ok = send_with_care(deliver, from, to, &why);
        }
        if (ok) {
            from = to;
        } else if (!wait_and_ask(deliver, &why)) {
            *err = why;
            return false;
        }
    }
    return true;
}

bool deliver_window(Deliver *deliver, Err *err)
{
    Err why = {0};
    if (!ask(deliver, &why) && !wait_and_ask(deliver, &why)) {
        *err = why;
        return false;
    }
    if (!deliver->dry_run)
        return send_all(deliver, err);
    for (size_t i = 0; i < deliver->count; i++)
        if (!deliver->items[i].done)
            deliver_settle(deliver, &deliver->items[i], ROW_STORED, "");
    return true;
}
