/* restore.c: folder by folder, a window of rows at a time (../deliver/deliver.h). */
#include "flow/restore.h"
#include "flow/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "base/id.h"
#include "base/log.h"
#include "state/state.h"
#include "../deliver/deliver.h"
#include "../share.h"

typedef struct Restore {
    const RestoreSettings *settings;
    RestoreFolders folders;
    State state;
    Deliver deliver;
    BackupRow rows[DELIVER_WINDOW_ROWS]; /* of the window: their strings are those of its items */
    Arena strings;                       /* of the window */
    const RestoreFolder *folder;
    BackupReader *reader;
} Restore;

/* --- what becomes of a row --------------------------------------------------------------------------------------------------- */

static void settle_fault(void *ctx, size_t index, const char *what)
{
    Restore *restore = ctx;
    const BackupRow *row = &restore->rows[index];
    deliver_settle(&restore->deliver, &restore->deliver.items[index], ROW_UNCONFIRMED, what);
    log_line(LOG_WARN, "%s/%s: row %" PRIu64 ": %s; passed over, its run was killed and cannot have committed it",
             restore->folder->path, restore->folder->manifest.files[row->file].name, row->number, what);
}

/* Its version has other content. A row of a killed run may never have been committed: then that is as it should be. */
static void settle_other(void *ctx, size_t index)
{
    Restore *restore = ctx;
    DeliverItem *item = &restore->deliver.items[index];
    const StoredModel *model = &item->model;
    if (restore->folder->manifest.killed) {
        deliver_settle(&restore->deliver, item, ROW_UNCONFIRMED, "its run was killed, and the version has other content by now");
        log_line(LOG_WARN, "%s@%d: unconfirmed: its run was killed, and the version has other content by now; not restored",
                 model->name, (int)model->version);
        return;
    }
    deliver_settle(&restore->deliver, item, ROW_CONFLICT, "is stored with other content");
    log_line(LOG_ERROR, "%s@%d: is stored with other content; it stays as it is", model->name, (int)model->version);
}

/* A killed run that committed its row under another version did so before: the content need not be there twice. */
static bool settle_held(void *ctx, size_t index, Err *err)
{
    Restore *restore = ctx;
    DeliverItem *item = &restore->deliver.items[index];
    bool holds = false;
    if (restore->folder->manifest.killed && !known_holds(&restore->deliver.known, &item->model, &holds, err))
        return false;
    if (holds)
        deliver_settle_stored(&restore->deliver, item);
    return true;
}

static bool load(void *ctx, size_t index, Spool *payload, const char **fault, Err *err)
{
    Restore *restore = ctx;
    bool whole;
    if (!backup_reader_load(restore->reader, &restore->rows[index], payload, &whole, err))
        return false;
    *fault = whole ? NULL : "its payload is not whole";
    return true;
}

static const DeliverSource backups = {.load = load, .settle_fault = settle_fault, .vacant = settle_held, .other = settle_other};

/* The rows of a window whose work is done. */
static bool report_window(Restore *restore, Err *err)
{
    for (size_t i = 0; i < restore->deliver.count; i++) {
        const DeliverItem *item = &restore->deliver.items[i];
        if (!restore->settings->fn(restore->settings->ctx, restore->rows[i].fault == NULL ? &item->model : NULL, item->status,
                                   item->reason[0] != '\0' ? item->reason : NULL, err))
            return false;
    }
    return true;
}

/* --- a window ---------------------------------------------------------------------------------------------------------------- */

/* A row is kept until the window is done. */
static bool take_row(Restore *restore, const BackupRow *row, Err *err)
{
    size_t index = restore->deliver.count;
    DeliverItem *item = &restore->deliver.items[index];
    BackupRow *kept = &restore->rows[index];
    const StoredModel *before = index > 0 && kept[-1].fault == NULL ? &item[-1].model : NULL;
    *kept = *row;
    *item = (DeliverItem){.model = row->model};
    if (row->fault == NULL && !stored_model_copy(&restore->strings, &row->model, before, &item->model, err))
        return false;
    kept->model = item->model;
    restore->deliver.count++;
    if (row->fault != NULL)
        settle_fault(restore, index, row->fault);
    return true;
}

/* No version stands twice in a window: the second one waits for what becomes of the first. *row is the first one of the next. */
static bool fill_window(Restore *restore, BackupRow *row, bool *more, Err *err)
{
    StrMap keys = {0};
    bool ok = true, twice = false;
    Buf key = {0};
    restore->deliver.count = 0;
    arena_free(&restore->strings);
    while (ok && *more && restore->deliver.count < DELIVER_WINDOW_ROWS) {
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
        ok = fill_window(restore, &row, &more, err) && deliver_window(&restore->deliver, err) && report_window(restore, err);
    }
    backup_reader_close(restore->reader);
    restore->reader = NULL;
    return ok;
}

static bool restore_rows(Restore *restore, Err *err)
{
    Deliver *deliver = &restore->deliver;
    spool_init(&deliver->payload, share_for_payload(restore->settings->max_memory), restore->state.temp_dir);
    bool ok = deliver_init(deliver, err);
    progress_phase("restoring", 0, 0);
    for (size_t i = 0; ok && i < restore->folders.count; i++) {
        restore->folder = &restore->folders.items[i];
        ok = restore_folder(restore, err);
    }
    spool_free(&deliver->payload);
    return ok;
}

static void count_rows(const Restore *restore, RestoreResult *out)
{
    const uint64_t *settled = restore->deliver.settled;
    *out = (RestoreResult){.folders = restore->folders.count,
                           .restored_count = settled[ROW_STORED],
                           .present_count = settled[ROW_PRESENT],
                           .conflict_count = settled[ROW_CONFLICT],
                           .unconfirmed_count = settled[ROW_UNCONFIRMED],
                           .failed_count = settled[ROW_FAILED]};
}

bool restore_run(const RestoreSettings *settings, RestoreResult *out, Err *err)
{
    Restore *restore = calloc(1, sizeof *restore);
    char run_id[37];
    *out = (RestoreResult){0};
    if (restore == NULL)
        return err_no_memory(err);
    restore->settings = settings;
    restore->state.lock.fd = -1;
    restore->deliver = (Deliver){.source = &backups,
                                 .ctx = restore,
                                 .retry = settings->retry,
                                 .batch_rows = settings->batch_rows,
                                 .batch_bytes = settings->batch_bytes};
    id_new_uuid(run_id);
    bool ok = restore_find_folders(settings->backups, settings->backup_count, &restore->folders, err) &&
              state_locate(settings->state_dir, NULL, settings->retry->target, &restore->state, err) &&
              state_open(&restore->state, run_id, err) && restore_rows(restore, err);
    count_rows(restore, out);
    restore_folders_free(&restore->folders);
    deliver_free(&restore->deliver);
    arena_free(&restore->strings);
    state_close(&restore->state);
    free(restore);
    return ok;
}
