#include "flow/restore.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "state/state.h"
#include "run/worker.h"
#include "backup/backup.h"

#define CONFLICTS_MAX 4

typedef struct Folder {
    char *path;
    BackupManifest manifest;
} Folder;

typedef struct Restore {
    const RestoreSettings *settings;
    Folder *folders;
    size_t folder_count, folder_cap;
    State state;
    Store *store;
    StrMap present; /* "name\nversion" to an index of `contents` */
    Digest *contents;
    uint32_t content_count;
    size_t content_cap;
    StrMap failed;  /* keys that the store refuses */
    Arena arena;
    Buf key;
    uint64_t batch_rows, batch_bytes; /* in the open transaction */
    uint64_t row_limit;               /* 1 while a refused row is looked for */
    char *last_key;                   /* of the row put last */
    RestoreResult *result;
} Restore;

/* --- the folders ------------------------------------------------------------------------------------------------------------- */

static bool has_manifest(const char *folder)
{
    struct stat st;
    char *path = fs_join(folder, "MANIFEST");
    bool there = path != NULL && lstat(path, &st) == 0;
    free(path);
    return there;
}

/* A backup folder whose run did not end. */
static bool holds_parts(const char *folder)
{
    DIR *stream = opendir(folder);
    bool found = false;
    for (struct dirent *entry; stream != NULL && !found && (entry = readdir(stream)) != NULL;)
        found = strncmp(entry->d_name, "part-", 5) == 0 || strncmp(entry->d_name, "chunks-", 7) == 0;
    if (stream != NULL)
        closedir(stream);
    return found;
}

static bool add_folder(Restore *restore, char *path, Err *err)
{
    if (path == NULL)
        return err_no_memory(err);
    if (!vec_grow(&restore->folders, &restore->folder_cap, restore->folder_count, 1, sizeof *restore->folders, err)) {
        free(path);
        return false;
    }
    restore->folders[restore->folder_count++] = (Folder){.path = path};
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const Folder *)a)->path, ((const Folder *)b)->path);
}

/* The folders inside `backups/`; run identifiers sort by time. */
static bool find_inside(Restore *restore, const char *dir, Err *err)
{
    DIR *stream = opendir(dir);
    bool ok = true;
    if (stream == NULL)
        return err_set_errno(err, ERR_USAGE, errno, "%s", dir);
    for (struct dirent *entry; ok && (entry = readdir(stream)) != NULL;) {
        char *path = entry->d_name[0] != '.' ? fs_join(dir, entry->d_name) : NULL;
        if (path != NULL && has_manifest(path)) {
            ok = add_folder(restore, path, err);
            continue;
        }
        if (path != NULL && holds_parts(path))
            log_line(LOG_WARN,
                     "%s: has no MANIFEST, it is left out: its run was killed; the next run into that store finishes it, with what "
                     "is lost there",
                     path);
        free(path);
    }
    closedir(stream);
    if (restore->folder_count > 0)
        qsort(restore->folders, restore->folder_count, sizeof *restore->folders, by_path);
    return ok;
}

static bool find_folders(Restore *restore, Err *err)
{
    const char *dir = restore->settings->backup;
    bool ok = has_manifest(dir) ? add_folder(restore, strdup(dir), err) : find_inside(restore, dir, err);
    if (!ok || restore->folder_count > 0)
        return ok;
    err_set(err, ERR_USAGE, "%s: no finished backup is there (a folder with a MANIFEST)", dir);
    return err_hint(err, "the backup of a run that was killed is finished by the next run into the same store, also by that of an "
                         "empty folder");
}

static bool verify_folders(Restore *restore, Err *err)
{
    for (size_t i = 0; i < restore->folder_count; i++) {
        Folder *folder = &restore->folders[i];
        if (!interrupt_check(err) || !backup_manifest_read(folder->path, &folder->manifest, err) ||
            !backup_manifest_verify(folder->path, &folder->manifest, err))
            return false;
        if (folder->manifest.mode != BACKUP_FULL) {
            err_set(err, ERR_STOP, "%s: this backup has no payloads (--backup meta)", folder->path);
            return err_hint(err, "only full backups can be restored; name their folders one by one");
        }
    }
    return true;
}

/* --- what is there ----------------------------------------------------------------------------------------------------------- */

static const char *make_key(Restore *restore, const char *name, int32_t version, Err *err)
{
    buf_clear(&restore->key);
    return buf_format(&restore->key, err, "%s\n%d", name, (int)version) ? restore->key.data : NULL;
}

static const char *keep_key(Restore *restore, const char *name, int32_t version, Err *err)
{
    const char *key = make_key(restore, name, version, err);
    return key == NULL ? NULL : arena_copy(&restore->arena, key, restore->key.len, err);
}

static bool note_present(Restore *restore, const char *name, int32_t version, const Digest *content, Err *err)
{
    if (!vec_grow(&restore->contents, &restore->content_cap, restore->content_count, 1, sizeof *restore->contents, err))
        return false;
    restore->contents[restore->content_count] = *content;
    const char *key = keep_key(restore, name, version, err);
    return key != NULL && strmap_add(&restore->present, key, restore->content_count++, NULL, err);
}

static bool note_stored(void *ctx, const StoreVersion *stored, Err *err)
{
    return note_present(ctx, stored->name, stored->version, &stored->content, err);
}

static bool ask_store(Restore *restore, Err *err)
{
    strmap_free(&restore->present);
    restore->content_count = 0;
    if (restore->store == NULL && !store_open(restore->settings->retry->target, &restore->store, NULL, err))
        return false;
    return store_catalog(restore->store, note_stored, restore, err);
}

/* --- a pass over the rows ---------------------------------------------------------------------------------------------------- */

static bool is_wanted(void *ctx, const char *name, int32_t version, const Digest *content, bool *wanted, Err *err)
{
    Restore *restore = ctx;
    const char *key = make_key(restore, name, version, err);
    if (key == NULL || !interrupt_check(err))
        return false;
    uint32_t index = strmap_get(&restore->present, key);
    *wanted = index == STRMAP_NONE && strmap_get(&restore->failed, key) == STRMAP_NONE;
    if (index == STRMAP_NONE)
        return true;
    if (digest_equal(&restore->contents[index], content)) {
        restore->result->present_count++;
        return true;
    }
    restore->result->conflict_count++;
    log_line(LOG_ERROR, "%s@%d: is stored with other content; it stays as it is", name, (int)version);
    return true;
}

static bool commit(Restore *restore, Err *err)
{
    if (restore->batch_rows == 0)
        return true;
    if (!store_commit(restore->store, NULL, err))
        return false;
    restore->result->restored_count += restore->batch_rows;
    restore->batch_rows = restore->batch_bytes = 0;
    return true;
}

static bool put_row(void *ctx, const StoredModel *row, Spool *payload, Err *err)
{
    Restore *restore = ctx;
    const char *key = make_key(restore, row->name, row->version, err);
    free(restore->last_key);
    restore->last_key = key != NULL ? strdup(key) : NULL;
    if (restore->last_key == NULL)
        return err_no_memory(err);
    if (restore->batch_rows == 0 && !store_begin(restore->store, err))
        return false;
    retry_note_write(restore->settings->retry);
    if (!store_put(restore->store, row, payload, err))
        return false;
    restore->batch_rows++;
    restore->batch_bytes += row->stored_bytes;
    /* A key that stands in two backups must not be put twice. */
    if (!note_present(restore, row->name, row->version, &row->content, err))
        return false;
    bool full = restore->batch_rows >= restore->row_limit || restore->batch_bytes >= restore->settings->batch_bytes;
    return !full || commit(restore, err);
}

static bool pass(Restore *restore, Err *err)
{
    RestoreResult *result = restore->result;
    uint64_t before = result->restored_count;
    result->present_count = result->conflict_count = 0;
    if (!ask_store(restore, err))
        return false;
    for (size_t i = 0; i < restore->folder_count; i++) {
        Folder *folder = &restore->folders[i];
        if (!backup_read_rows(folder->path, &folder->manifest, restore->state.temp_dir,
                              run_payload_memory(restore->settings->max_memory), is_wanted, put_row, restore, err))
            return false;
    }
    /* What an earlier pass restored was there for this one. */
    result->present_count -= before < result->present_count ? before : result->present_count;
    return commit(restore, err);
}

/* A row that the store refuses is found by putting each row in a transaction of its own, and left out from then on. */
static bool leave_out(Restore *restore, const Err *why, Err *err)
{
    if (restore->row_limit > 1) {
        restore->row_limit = 1;
        return true;
    }
    const char *key = arena_copy(&restore->arena, restore->last_key, strlen(restore->last_key), err);
    if (key == NULL || !strmap_add(&restore->failed, key, 0, NULL, err))
        return false;
    restore->result->failed_count++;
    log_line(LOG_ERROR, "%.*s: %s", (int)strcspn(key, "\n"), key, why->text);
    return true;
}

static bool restore_rows(Restore *restore, Err *err)
{
    uint64_t restored = 0;
    Retry *retry = restore->settings->retry;
    for (RetryRow row = {0}; !pass(restore, err);) {
        store_rollback(restore->store);
        restore->batch_rows = restore->batch_bytes = 0;
        if (!store_alive(restore->store) || err->cls == ERR_READ_ONLY) {
            store_close(restore->store);
            restore->store = NULL;
        }
        if (err->cls == ERR_CONFLICT && row.failures >= CONFLICTS_MAX) /* no other writer, but a unique index of the user's own */
            err->cls = ERR_SKIP;
        if (err->cls == ERR_SKIP && restore->last_key != NULL) {
            Err why = *err;
            if (!leave_out(restore, &why, err))
                return false;
            continue;
        }
        if (restore->result->restored_count > restored)
            row = (RetryRow){0};
        restored = restore->result->restored_count;
        bool conflict = err->cls == ERR_CONFLICT; /* another writer has the key: as good a reason to try again */
        err->cls = conflict ? ERR_RETRY : err->cls;
        if (!retry_pause(retry, &row, err)) {
            err->cls = conflict && err->cls == ERR_UNREACHABLE ? ERR_CONFLICT : err->cls;
            return false;
        }
    }
    return true;
}

static void free_restore(Restore *restore)
{
    for (size_t i = 0; i < restore->folder_count; i++) {
        backup_manifest_free(&restore->folders[i].manifest);
        free(restore->folders[i].path);
    }
    free(restore->folders);
    store_close(restore->store);
    strmap_free(&restore->present);
    strmap_free(&restore->failed);
    arena_free(&restore->arena);
    buf_free(&restore->key);
    free(restore->contents);
    free(restore->last_key);
    state_close(&restore->state);
}

bool restore_run(const RestoreSettings *settings, RestoreResult *out, Err *err)
{
    Restore restore = {.settings = settings, .state = {.lock = {.fd = -1}}, .row_limit = settings->batch_rows, .result = out};
    char run_id[37];
    *out = (RestoreResult){0};
    id_new_uuid(run_id);
    bool ok = find_folders(&restore, err) && verify_folders(&restore, err) &&
              state_locate(settings->state_dir, NULL, settings->retry->target, &restore.state, err) &&
              state_open(&restore.state, run_id, err) && restore_rows(&restore, err);
    out->folders = restore.folder_count;
    free_restore(&restore);
    return ok;
}
