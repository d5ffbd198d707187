/* restore.c: folder by folder, a window of rows at a time: the store is asked for their names, what it lacks is sent in batches. A
 * batch in which the store refuses a row is sent again row by row, each under a savepoint, so that a refused row costs that row. */
#include "flow/restore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "known.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "state/state.h"
#include "../run/worker.h"

#define WINDOW_ROWS 1000

typedef struct Item {
    BackupRow row;
    bool done; /* nothing is left to do for it */
    bool sent; /* in a batch whose COMMIT may have been applied */
    unsigned conflicts; /* how often the store said that the key is taken */
    RestoreStatus status; /* when done */
    char reason[256];     /* "" when all is well */
} Item;

typedef struct Restore {
    const RestoreSettings *settings;
    RestoreFolders folders;
    State state;
    Store *store;
    Known known;
    Spool payload;
    Item *items; /* the window */
    size_t count;
    Arena strings; /* of the window */
    const RestoreFolder *folder;
    BackupReader *reader;
    RetryRow row; /* failures of the connection without a batch between them */
    RestoreResult *result;
} Restore;

/* --- what becomes of a row --------------------------------------------------------------------------------------------------- */

static uint64_t *count_of(RestoreResult *result, RestoreStatus status)
{
    uint64_t *const counts[] = {[RESTORE_RESTORED] = &result->restored_count,
                                [RESTORE_PRESENT] = &result->present_count,
                                [RESTORE_CONFLICT] = &result->conflict_count,
                                [RESTORE_UNCONFIRMED] = &result->unconfirmed_count,
                                [RESTORE_FAILED] = &result->failed_count};
    return counts[status];
}

static void settle(Restore *restore, Item *item, RestoreStatus status, const char *reason)
{
    item->done = true;
    item->status = status;
    text_copy(item->reason, sizeof item->reason, reason);
    ++*count_of(restore->result, status);
}

static void settle_fault(Restore *restore, Item *item, const char *what)
{
    settle(restore, item, RESTORE_UNCONFIRMED, what);
    log_line(LOG_WARN, "%s/%s: row %" PRIu64 ": %s; passed over, its run was killed and cannot have committed it",
             restore->folder->path, restore->folder->manifest.files[item->row.file].name, item->row.number, what);
}

/* Its version has other content. A row of a killed run may never have been committed: then that is as it should be. */
static void settle_other(Restore *restore, Item *item)
{
    const StoredModel *model = &item->row.model;
    if (restore->folder->manifest.killed) {
        settle(restore, item, RESTORE_UNCONFIRMED, "its run was killed, and the version has other content by now");
        log_line(LOG_WARN, "%s@%d: unconfirmed: its run was killed, and the version has other content by now; not restored",
                 model->name, (int)model->version);
        return;
    }
    settle(restore, item, RESTORE_CONFLICT, "is stored with other content");
    log_line(LOG_ERROR, "%s@%d: is stored with other content; it stays as it is", model->name, (int)model->version);
}

static void settle_refused(Restore *restore, Item *item, const Err *why)
{
    settle(restore, item, RESTORE_FAILED, why->text);
    log_line(LOG_ERROR, "%s@%d: %s", item->row.model.name, (int)item->row.model.version, why->text);
}

static void settle_stored(Restore *restore, Item *item)
{
    settle(restore, item, item->sent ? RESTORE_RESTORED : RESTORE_PRESENT, "");
}

/* The rows of a window whose work is done. */
static bool report_window(Restore *restore, Err *err)
{
    for (size_t i = 0; i < restore->count; i++) {
        const Item *item = &restore->items[i];
        if (!restore->settings->fn(restore->settings->ctx, item->row.fault == NULL ? &item->row.model : NULL, item->status,
                                   item->reason[0] != '\0' ? item->reason : NULL, err))
            return false;
    }
    return true;
}

static bool judge(Restore *restore, Item *item, Err *err)
{
    KnownAnswer answer;
    bool holds = false;
    if (!known_version(&restore->known, &item->row.model, &answer, err))
        return false;
    if (answer == KNOWN_FREE && restore->folder->manifest.killed && !known_holds(&restore->known, &item->row.model, &holds, err))
        return false;
    if (answer == KNOWN_SAME || holds)
        settle_stored(restore, item);
    else if (answer == KNOWN_OTHER)
        settle_other(restore, item);
    return true;
}

/* --- the session ------------------------------------------------------------------------------------------------------------- */

/* Asks for the names of the window and settles what needs no sending. */
static bool ask(Restore *restore, Err *err)
{
    const char **names = calloc(restore->count + 1, sizeof *names);
    size_t count = 0;
    bool ok = names != NULL || err_no_memory(err);
    for (size_t i = 0; ok && i < restore->count; i++)
        if (!restore->items[i].done)
            names[count++] = restore->items[i].row.model.name;
    ok = ok && (restore->store != NULL || store_open(restore->settings->retry->target, &restore->store, NULL, err)) &&
         known_ask(&restore->known, restore->store, names, count, err);
    for (size_t i = 0; ok && i < restore->count; i++)
        if (!restore->items[i].done)
            ok = judge(restore, &restore->items[i], err);
    free(names);
    return ok;
}

/* After an error for now: a new session, if the old one is lost, and all is asked anew. */
static bool wait_and_ask(Restore *restore, Err *err)
{
    for (;;) {
        if (restore->store != NULL && (!store_alive(restore->store) || err->cls == ERR_READ_ONLY)) {
            store_close(restore->store);
            restore->store = NULL;
        }
        if (!retry_pause(restore->settings->retry, &restore->row, err))
            return false;
        known_free(&restore->known);
        if (ask(restore, err))
            return true;
    }
}

/* --- sending ----------------------------------------------------------------------------------------------------------------- */

typedef bool (*PutFn)(Store *store, const StoredModel *model, Spool *payload, Err *err);

/* A row whose payload is not whole is settled without a word to the store. */
static bool put_item(Restore *restore, Item *item, PutFn put, Err *err)
{
    bool whole;
    if (!interrupt_check(err) || !backup_reader_load(restore->reader, &item->row, &restore->payload, &whole, err))
        return false;
    if (!whole) {
        settle_fault(restore, item, "its payload is not whole");
        return true;
    }
    if (!put(restore->store, &item->row.model, &restore->payload, err))
        return false;
    item->sent = true;
    return true;
}

static bool begin(Restore *restore, Err *err)
{
    if ((restore->store == NULL && !store_open(restore->settings->retry->target, &restore->store, NULL, err)) ||
        !store_begin(restore->store, err))
        return false;
    retry_note_write(restore->settings->retry);
    return true;
}

static bool commit(Restore *restore, size_t from, size_t to, StoreOutcome *outcome, Err *err)
{
    bool ok = store_commit(restore->store, outcome, err);
    for (size_t i = from; ok && i < to; i++) {
        Item *item = &restore->items[i];
        if (item->done || !item->sent)
            continue;
        settle_stored(restore, item);
        restore->row = (RetryRow){0};
        ok = known_add(&restore->known, &item->row.model, err);
    }
    return ok;
}

/* What was sent is not there, unless nobody knows what became of the COMMIT: then it is asked for. */
static bool give_up_batch(Restore *restore, size_t from, size_t to, StoreOutcome outcome)
{
    store_rollback(restore->store);
    for (size_t i = from; i < to && outcome == STORE_REFUSED; i++)
        restore->items[i].sent = false;
    return false;
}

static bool send_batch(Restore *restore, size_t from, size_t to, Err *err)
{
    StoreOutcome outcome = STORE_REFUSED;
    if (!begin(restore, err))
        return false;
    for (size_t i = from; i < to; i++)
        if (!restore->items[i].done && !put_item(restore, &restore->items[i], store_put, err))
            return give_up_batch(restore, from, to, outcome);
    return commit(restore, from, to, &outcome, err) || give_up_batch(restore, from, to, outcome);
}

/* --- a batch with a row that the store refuses ------------------------------------------------------------------------------- */

static bool put_alone(Restore *restore, Item *item, bool *conflict, Err *err)
{
    Err why = {0};
    if (put_item(restore, item, store_put_alone, &why))
        return true;
    if (why.cls == ERR_CONFLICT && ++item->conflicts == 1)
        *conflict = true; /* another writer has the key, or soon will not */
    else if (why.cls == ERR_CONFLICT || why.cls == ERR_SKIP)
        settle_refused(restore, item, &why);
    else
        *err = why;
    return why.cls == ERR_CONFLICT || why.cls == ERR_SKIP;
}

/* *conflict: some keys are taken. */
static bool send_one_by_one(Restore *restore, size_t from, size_t to, bool *conflict, Err *err)
{
    StoreOutcome outcome = STORE_REFUSED;
    *conflict = false;
    if (!begin(restore, err))
        return false;
    for (size_t i = from; i < to; i++)
        if (!restore->items[i].done && !put_alone(restore, &restore->items[i], conflict, err))
            return give_up_batch(restore, from, to, outcome);
    if (commit(restore, from, to, &outcome, err))
        return true;
    if (err->cls == ERR_SKIP || err->cls == ERR_CONFLICT) /* every row was taken by itself */
        err->cls = ERR_STOP;
    return give_up_batch(restore, from, to, outcome);
}

/* Who has the keys that are taken? Nobody: a constraint of the table's owner refuses the row, and the next try settles it. */
static bool judge_conflicts(Restore *restore, size_t from, size_t to, Err *err)
{
    Known before = restore->known;
    const char **names = calloc(to - from, sizeof *names);
    size_t count = 0;
    bool ok = names != NULL || err_no_memory(err);
    for (size_t i = from; ok && i < to; i++)
        if (!restore->items[i].done)
            names[count++] = restore->items[i].row.model.name;
    restore->known = (Known){0};
    ok = ok && known_ask(&restore->known, restore->store, names, count, err);
    for (size_t i = from; ok && i < to; i++)
        if (!restore->items[i].done)
            ok = judge(restore, &restore->items[i], err);
    known_free(&restore->known);
    restore->known = before;
    free(names);
    return ok;
}

static bool send_with_care(Restore *restore, size_t from, size_t to, Err *err)
{
    bool conflict;
    do {
        if (!send_one_by_one(restore, from, to, &conflict, err) || (conflict && !judge_conflicts(restore, from, to, err)))
            return false;
    } while (conflict);
    return true;
}

/* --- a window ---------------------------------------------------------------------------------------------------------------- */

static size_t end_of_batch(const Restore *restore, size_t from)
{
    uint64_t rows = 0, bytes = 0;
    size_t to = from;
    while (to < restore->count && rows < restore->settings->batch_rows && bytes < restore->settings->batch_bytes) {
        const Item *item = &restore->items[to++];
        rows += !item->done;
        bytes += item->done ? 0 : item->row.model.stored_bytes;
    }
    return to;
}

static bool has_work(const Restore *restore, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (!restore->items[i].done)
            return true;
    return false;
}

static bool send_window(Restore *restore, Err *err)
{
    for (size_t from = 0; from < restore->count;) {
        size_t to = end_of_batch(restore, from);
        Err why = {0};
        bool ok = !has_work(restore, from, to) || send_batch(restore, from, to, &why);
        if (!ok && (why.cls == ERR_SKIP || why.cls == ERR_CONFLICT)) {
            why = (Err){0};
            ok = send_with_care(restore, from, to, &why);
        }
        if (ok) {
            from = to;
        } else if (!wait_and_ask(restore, &why)) {
            *err = why;
            return false;
        }
    }
    return true;
}

/* A row is kept until the window is done. */
static bool take_row(Restore *restore, const BackupRow *row, Err *err)
{
    Item *item = &restore->items[restore->count];
    const StoredModel *before = restore->count > 0 && item[-1].row.fault == NULL ? &item[-1].row.model : NULL;
    *item = (Item){.row = *row};
    if (row->fault == NULL && !stored_model_copy(&restore->strings, &row->model, before, &item->row.model, err))
        return false;
    restore->count++;
    if (row->fault != NULL)
        settle_fault(restore, item, row->fault);
    return true;
}

/* No version stands twice in a window: the second one waits for what becomes of the first. *row is the first one of the next. */
static bool fill_window(Restore *restore, BackupRow *row, bool *more, Err *err)
{
    StrMap keys = {0};
    bool ok = true, twice = false;
    Buf key = {0};
    restore->count = 0;
    arena_free(&restore->strings);
    while (ok && *more && restore->count < WINDOW_ROWS) {
        buf_clear(&key);
        if (row->fault == NULL) {
            uint32_t existing = STRMAP_NONE;
            ok = buf_format(&key, err, "%s\n%d", row->model.name, (int)row->model.version);
            const char *copy = ok ? arena_copy(&restore->strings, key.data, key.len, err) : NULL;
            ok = copy != NULL && strmap_add(&keys, copy, 0, &existing, err);
            twice = existing != STRMAP_NONE;
        }
        if (twice)
            break;
        ok = ok && take_row(restore, row, err) && backup_reader_next(restore->reader, row, more, err);
    }
    strmap_free(&keys);
    buf_free(&key);
    return ok;
}

static bool restore_folder(Restore *restore, Err *err)
{
    const RestoreFolder *folder = restore->folder;
    BackupRow row;
    bool more;
    if (!backup_reader_open(folder->path, &folder->manifest, &restore->reader, err))
        return false;
    bool ok = backup_reader_next(restore->reader, &row, &more, err);
    while (ok && more) {
        Err why = {0};
        ok = fill_window(restore, &row, &more, err);
        if (ok && !ask(restore, &why) && !wait_and_ask(restore, &why)) {
            *err = why;
            ok = false;
        }
        ok = ok && send_window(restore, err) && report_window(restore, err);
    }
    backup_reader_close(restore->reader);
    restore->reader = NULL;
    return ok;
}

static bool restore_rows(Restore *restore, Err *err)
{
    restore->items = calloc(WINDOW_ROWS, sizeof *restore->items);
    if (restore->items == NULL)
        return err_no_memory(err);
    spool_init(&restore->payload, run_payload_memory(restore->settings->max_memory), restore->state.temp_dir);
    bool ok = true;
    for (size_t i = 0; ok && i < restore->folders.count; i++) {
        restore->folder = &restore->folders.items[i];
        ok = restore_folder(restore, err);
    }
    spool_free(&restore->payload);
    return ok;
}

bool restore_run(const RestoreSettings *settings, RestoreResult *out, Err *err)
{
    Restore restore = {.settings = settings, .state = {.lock = {.fd = -1}}, .result = out};
    char run_id[37];
    *out = (RestoreResult){0};
    id_new_uuid(run_id);
    bool ok = restore_find_folders(settings->backups, settings->backup_count, &restore.folders, err) &&
              state_locate(settings->state_dir, NULL, settings->retry->target, &restore.state, err) &&
              state_open(&restore.state, run_id, err) && restore_rows(&restore, err);
    out->folders = restore.folders.count;
    restore_folders_free(&restore.folders);
    store_close(restore.store);
    known_free(&restore.known);
    arena_free(&restore.strings);
    free(restore.items);
    state_close(&restore.state);
    return ok;
}
