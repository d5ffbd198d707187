#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut.h"
#include "format.h"
#include "owner.h"
#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"

/* A folder is put right in steps that may each be the last one of a killed process: its files are cut, then the folder is synced,
 * and MANIFEST, whose presence means done, is written last. */

typedef struct Names {
    char (*items)[BACKUP_FILE_NAME_MAX];
    size_t count;
} Names;

typedef struct Folder {
    Names parts;  /* part-N.csv */
    Names chunks; /* chunks-N.csv */
    Names temps;  /* what a killed recovery of version 0.1.0 left: *.tmp */
    bool gone;    /* its run, or another recovery, has removed it meanwhile */
    bool done;    /* has a MANIFEST */
    bool foreign; /* has something that is not ours */
} Folder;

static bool add_name(Names *names, const char *name, Err *err)
{
    char(*grown)[BACKUP_FILE_NAME_MAX] = realloc(names->items, (names->count + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(err);
    names->items = grown;
    return text_copy(names->items[names->count++], BACKUP_FILE_NAME_MAX, name) ||
           err_set(err, ERR_BUG, "%s: too long a name", name);
}

static void free_folder(Folder *folder)
{
    free(folder->parts.items);
    free(folder->chunks.items);
    free(folder->temps.items);
}

static bool is_temp_name(const char *name)
{
    char stem[BACKUP_FILE_NAME_MAX];
    size_t len = strlen(name);
    bool chunks;
    if (len >= sizeof stem || !text_ends_with(name, ".tmp"))
        return false;
    memcpy(stem, name, len - 4);
    stem[len - 4] = '\0';
    return strcmp(stem, BACKUP_MANIFEST_NAME) == 0 || strcmp(stem, BACKUP_STORE_NAME) == 0 || backup_is_file_name(stem, &chunks);
}

static bool classify(Folder *folder, const char *name, Err *err)
{
    bool chunks;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    if (backup_is_file_name(name, &chunks))
        return add_name(chunks ? &folder->chunks : &folder->parts, name, err);
    if (is_temp_name(name))
        return add_name(&folder->temps, name, err);
    if (strcmp(name, BACKUP_MANIFEST_NAME) == 0)
        folder->done = true;
    else if (strcmp(name, BACKUP_STORE_NAME) != 0 && !atomic_file_is_temp(name))
        folder->foreign = true;
    return true;
}

static bool list_folder(const char *path, Folder *folder, Err *err)
{
    DIR *dir = opendir(path);
    bool ok = true;
    if (dir == NULL) {
        folder->gone = errno == ENOENT;
        return folder->gone || err_set_errno(err, ERR_STOP, errno, "%s", path);
    }
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;)
        ok = classify(folder, entry->d_name, err);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", path);
    closedir(dir);
    return ok;
}

/* Ours and not ended. An empty one is ours too: a run was killed just after it had made it. */
static bool is_unfinished(const Folder *folder)
{
    return !folder->gone && !folder->done && (folder->parts.count + folder->chunks.count > 0 || !folder->foreign);
}

/* --- one folder -------------------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool remove_temps(const char *path, const Names *temps, Err *err)
{
    bool ok = true;
    atomic_file_sweep(path);
    for (size_t i = 0; ok && i < temps->count; i++) {
        char *temp = fs_join(path, temps->items[i]);
        if (temp == NULL)
            return err_no_memory(err);
        ok = unlink(temp) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", temp);
        free(temp);
    }
    return ok;
}

static void sort_names(Names *names)
{
    if (names->count > 0)
        qsort(names->items, names->count, sizeof *names->items, compare_names);
}

static bool weigh_chunks(BackupCut *cut, const Names *chunks, Err *err)
{
    for (size_t i = 0; i < chunks->count; i++)
        if (!backup_cut_weigh(cut, chunks->items[i], err))
            return false;
    return true;
}

static bool cut_files(BackupCut *cut, const char *path, const Names *names, BackupManifest *manifest, bool *understood, Err *err)
{
    for (size_t i = 0; *understood && i < names->count; i++) {
        if (!backup_cut_file(cut, names->items[i], manifest, understood, err))
            return false;
        if (!*understood)
            log_line(LOG_WARN, "%s: %s is not a backup that this version can read; left as it is", path, names->items[i]);
    }
    return true;
}

static bool remove_folder(const char *path, const Folder *folder, Err *err)
{
    if (!folder->foreign && !backup_owner_forget(path, err))
        return false;
    (void)rmdir(path); /* fails when someone put a file of his own there: then it is no folder of ours any more */
    return true;
}

/* Told before the MANIFEST is there: a process that is killed in between tells it once more, and not never. */
static void tell_missing(const BackupCut *cut, const char *path, BackupMode mode)
{
    uint64_t taken, missing = backup_cut_missing(cut, &taken);
    if (missing == 0)
        return;
    if (mode != BACKUP_FULL)
        log_line(LOG_WARN, "%s: the store does not have %" PRIu64 " rows of this backup, and it has no payloads (--backup meta)",
                 path, missing);
    else if (taken == 0)
        log_line(LOG_WARN,
                 "%s: the store does not have %" PRIu64 " rows of this backup; `migrate_models_to_db restore %s` brings them back",
                 path, missing, path);
    else
        log_line(LOG_WARN,
                 "%s: the store does not have %" PRIu64 " rows of this backup; `migrate_models_to_db restore %s` brings them back, "
                                                        "but %" PRIu64 " whose version has other content by now",
                 path, missing, path, taken);
}

static bool finish_folder(const char *path, const Folder *folder, const BackupCut *cut, const BackupManifest *manifest, Err *err)
{
    bool ok;
    if (manifest->count == 0) {
        ok = remove_folder(path, folder, err);
    } else {
        tell_missing(cut, path, manifest->mode);
        ok = fs_sync_dir(path, err) && backup_manifest_write(path, manifest, err);
    }
    if (ok)
        log_line(LOG_INFO, "%s: the run did not end; %zu files of its backup are put right", path, manifest->count);
    return ok;
}

typedef struct Recovery {
    BackupAskFn ask;
    void *ctx;
} Recovery;

static bool recover_folder(void *ctx, const char *path, const char *run_id, Folder *folder, Err *err)
{
    const Recovery *recovery = ctx;
    BackupManifest manifest = {.mode = BACKUP_FULL};
    bool understood = true;
    text_copy(manifest.run_id, sizeof manifest.run_id, run_id);
    sort_names(&folder->parts);
    sort_names(&folder->chunks);
    BackupCut *cut = backup_cut_new(path, run_id, recovery->ask, recovery->ctx, err);
    bool ok = cut != NULL && remove_temps(path, &folder->temps, err) && weigh_chunks(cut, &folder->chunks, err) &&
              cut_files(cut, path, &folder->parts, &manifest, &understood, err) &&
              cut_files(cut, path, &folder->chunks, &manifest, &understood, err) &&
              (!understood || finish_folder(path, folder, cut, &manifest, err));
    backup_cut_free(cut);
    backup_manifest_free(&manifest);
    return ok;
}

/* What is done with each unfinished folder. */
typedef bool (*FolderFn)(void *ctx, const char *path, const char *run_id, Folder *folder, Err *err);

typedef struct Visitor {
    const char *place; /* folders of other stores are passed over; NULL = none are */
    FolderFn fn;
    void *ctx;
} Visitor;

/* What is in the folder is known only when its lock is ours: its run may have ended just now. */
static bool visit_claimed(const char *path, const char *name, const Visitor *visitor, Err *err)
{
    Folder folder = {0};
    bool ok = list_folder(path, &folder, err) && (!is_unfinished(&folder) || visitor->fn(visitor->ctx, path, name, &folder, err));
    free_folder(&folder);
    return ok;
}

static bool visit_unfinished(const char *path, const char *name, const Visitor *visitor, Err *err)
{
    bool ours;
    int lock;
    if (!backup_owner_claim(path, visitor->place, &lock, &ours, err))
        return false;
    bool ok = !ours || visit_claimed(path, name, visitor, err);
    if (lock >= 0)
        close(lock);
    return ok;
}

static bool visit_folder(const char *path, const char *name, const Visitor *visitor, Err *err)
{
    Folder folder = {0};
    if (!backup_is_run_id(name))
        return backup_owner_remove_new(path, err);
    bool ok = list_folder(path, &folder, err) && (!is_unfinished(&folder) || visit_unfinished(path, name, visitor, err));
    free_folder(&folder);
    return ok;
}

static bool visit(const char *backup_dir, const char *name, const Visitor *visitor, Err *err)
{
    struct stat st;
    char *path = fs_join(backup_dir, name);
    bool ok;
    if (path == NULL)
        return err_no_memory(err);
    if (lstat(path, &st) != 0)
        ok = errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", path);
    else
        ok = !S_ISDIR(st.st_mode) || visit_folder(path, name, visitor, err);
    free(path);
    return ok;
}

static bool each_unfinished(const char *backup_dir, const Visitor *visitor, Err *err)
{
    bool ok = true;
    DIR *dir = opendir(backup_dir);
    if (dir == NULL)
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", backup_dir);
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;)
        if (backup_is_run_id(entry->d_name) || backup_owner_is_new(entry->d_name))
            ok = visit(backup_dir, entry->d_name, visitor, err);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", backup_dir);
    closedir(dir);
    return ok;
}

bool backup_recover(const char *backup_dir, const char *place, BackupAskFn ask, void *ctx, Err *err)
{
    Recovery recovery = {.ask = ask, .ctx = ctx};
    Visitor visitor = {.place = place, .fn = recover_folder, .ctx = &recovery};
    return each_unfinished(backup_dir, &visitor, err);
}

static bool note_one(void *ctx, const char *path, const char *run_id, Folder *folder, Err *err)
{
    (void)path;
    (void)run_id;
    (void)folder;
    (void)err;
    *(bool *)ctx = true;
    return true;
}

bool backup_needs_recovery(const char *backup_dir, const char *place, bool *needs, Err *err)
{
    bool found = false;
    Visitor visitor = {.place = place, .fn = note_one, .ctx = &found};
    if (!each_unfinished(backup_dir, &visitor, err))
        return false;
    *needs = found;
    return true;
}
