/* leftovers.c: the folder of a run that was killed. Its torn end is cut and it gets a MANIFEST that says so. A complete row is
 * never cut: it may be the only copy of its model, whatever the store has by now; `restore` asks the store for each.
 *
 * Each step may be the last one of a killed process, and is done again by the next. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "owner.h"
#include "scan.h"
#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"

#define BLOCK_BYTES ((size_t)64 * 1024)

typedef struct Folder {
    const char *path;
    BackupManifest manifest;
    uint64_t rows; /* of models */
    bool not_understood; /* a file of a newer version */
} Folder;

/* *end: behind the last newline. No field holds one, so it is the end of the last whole row; the payload of a torn one is long. */
static bool find_end(int fd, const char *path, uint64_t *end, Err *err)
{
    char block[BLOCK_BYTES];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    for (uint64_t at = (uint64_t)st.st_size; at > 0;) {
        size_t take = at < sizeof block ? (size_t)at : sizeof block;
        at -= take;
        ssize_t got = fs_read_at(fd, block, take, at);
        if (got < 0)
            return err_set_errno(err, ERR_STOP, errno, "%s", path);
        for (ssize_t i = got; i > 0; i--) {
            if (block[i - 1] == '\n') {
                *end = at + (uint64_t)i;
                return true;
            }
        }
    }
    *end = 0;
    return true;
}

static bool remove_file(const char *path, Err *err)
{
    return unlink(path) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
}

/* The sync is needed also when nothing is cut: the run may have been killed between its write and its own. */
static bool cut_end(int fd, const char *path, uint64_t end, Err *err)
{
    if (ftruncate(fd, (off_t)end) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot cut %s", path);
    return fsync(fd) == 0 || err_set_errno(err, ERR_STOP, errno, "fsync of %s", path);
}

static bool finish_open_file(Folder *folder, int fd, const char *path, const char *name, bool chunks, Err *err)
{
    BackupFileInfo info = {0};
    BackupColumns columns;
    uint64_t end;
    if (!backup_read_columns(fd, path, chunks, &columns, err) || !find_end(fd, path, &end, err))
        return false;
    if (columns.header == BACKUP_HEADER_UNKNOWN) {
        log_line(LOG_WARN, "%s is not a backup that this version can read; its folder is left as it is", path);
        folder->not_understood = true;
        return true;
    }
    if (columns.header == BACKUP_HEADER_TORN || end <= columns.header_bytes)
        return remove_file(path, err);
    text_copy(info.name, sizeof info.name, name);
    if (!cut_end(fd, path, end, err) || !backup_measure_file(fd, path, &info, err))
        return false;
    if (!chunks) {
        folder->manifest.mode = columns.mode;
        folder->rows += info.rows;
    }
    return backup_manifest_add(&folder->manifest, &info, err);
}

static bool finish_file(Folder *folder, const char *name, bool chunks, Err *err)
{
    char *path = fs_join(folder->path, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDWR, err);
    bool ok = fd >= 0 && finish_open_file(folder, fd, path, name, chunks, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

/* What version 0.1.0 left when it was killed: part-0.csv.tmp, MANIFEST.tmp, STORE.tmp. */
static bool is_old_temp(const char *name)
{
    char stem[BACKUP_FILE_NAME_MAX];
    bool chunks;
    size_t len = strlen(name);
    if (len >= sizeof stem || !text_ends_with(name, ".tmp"))
        return false;
    text_copy(stem, len - 3, name);
    return strcmp(stem, BACKUP_MANIFEST_NAME) == 0 || strcmp(stem, BACKUP_STORE_NAME) == 0 || backup_is_file_name(stem, &chunks);
}

static bool finish_entry(Folder *folder, DIR *dir, const char *name, Err *err)
{
    bool chunks;
    if (backup_is_file_name(name, &chunks))
        return finish_file(folder, name, chunks, err);
    if (is_old_temp(name))
        (void)unlinkat(dirfd(dir), name, 0);
    return true;
}

static bool finish_files(Folder *folder, Err *err)
{
    bool ok = true;
    DIR *dir = opendir(folder->path);
    if (dir == NULL) /* its run may have removed it just now */
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", folder->path);
    for (struct dirent *entry; ok && !folder->not_understood && (errno = 0, entry = readdir(dir)) != NULL;)
        ok = finish_entry(folder, dir, entry->d_name, err);
    if (ok && errno != 0 && !folder->not_understood)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", folder->path);
    closedir(dir);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const BackupFileInfo *)a)->name, ((const BackupFileInfo *)b)->name);
}

/* No row of a model is whole: pieces of a payload alone bring nothing back. */
static bool remove_folder(const Folder *folder, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < folder->manifest.count; i++) {
        char *path = fs_join(folder->path, folder->manifest.files[i].name);
        ok = path != NULL ? remove_file(path, err) : err_no_memory(err);
        free(path);
    }
    if (ok)
        ok = backup_owner_forget(folder->path, err);
    (void)rmdir(folder->path); /* fails when someone put a file of his own there: then it is no folder of ours any more */
    return ok;
}

static bool write_manifest(Folder *folder, Err *err)
{
    if (folder->manifest.count > 1)
        qsort(folder->manifest.files, folder->manifest.count, sizeof *folder->manifest.files, by_name);
    if (!fs_sync_dir(folder->path, err) || !backup_manifest_write(folder->path, &folder->manifest, err))
        return false;
    log_line(LOG_INFO, "%s: completed the backup of a run that was killed; its last rows may not be in the store", folder->path);
    return true;
}

/* The folder is locked. */
static bool finish_claimed(const char *path, const char *run_id, bool *left, Err *err)
{
    Folder folder = {.path = path, .manifest = {.mode = BACKUP_FULL, .killed = true}};
    text_copy(folder.manifest.run_id, sizeof folder.manifest.run_id, run_id);
    atomic_file_sweep(path);
    bool ok = finish_files(&folder, err);
    *left = ok && !folder.not_understood && folder.rows > 0;
    if (ok && !folder.not_understood)
        ok = folder.rows > 0 ? write_manifest(&folder, err) : remove_folder(&folder, err);
    backup_manifest_free(&folder.manifest);
    return ok;
}

/* A folder that is gone or another user's counts as finished. */
static bool has_manifest(const char *path, bool *has, Err *err)
{
    struct stat st;
    char *manifest = fs_join(path, BACKUP_MANIFEST_NAME);
    if (manifest == NULL)
        return err_no_memory(err);
    *has = lstat(manifest, &st) == 0 || errno == EACCES;
    bool ok = *has || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", manifest);
    free(manifest);
    return ok;
}

/* Whether there is a MANIFEST is asked again when the lock is ours: its run may have ended just now. */
static bool finish_folder(const char *path, const char *run_id, const BackupOwner *owner, BackupClaim *claim, bool *left, Err *err)
{
    int lock;
    *left = false;
    if (!backup_owner_claim(path, owner, claim, &lock, err))
        return false;
    bool ok = *claim != CLAIM_OURS || (has_manifest(path, left, err) && (*left || finish_claimed(path, run_id, left, err)));
    if (lock >= 0)
        close(lock);
    return ok;
}

static const char *run_id_of(const char *folder)
{
    const char *slash = strrchr(folder, '/'), *name = slash != NULL ? slash + 1 : folder;
    return backup_is_run_id(name) ? name : NULL;
}

bool backup_finish_folder(const char *folder, const BackupOwner *owner, bool *left, Err *err)
{
    static const char *const others[] = {[CLAIM_AT_WORK] = "its run is still at work",
                                         [CLAIM_OTHER_HOST] = "a run on another host has not ended, or was killed there",
                                         [CLAIM_OTHER_STORE] = "belongs to another user",
                                         [CLAIM_GONE] = "was removed just now"};
    BackupOwner any_store = {.host = owner->host};
    BackupClaim claim;
    if (run_id_of(folder) == NULL)
        return err_set(err, ERR_STOP, "%s: no MANIFEST, and no name that a run gives its backup", folder);
    if (!finish_folder(folder, run_id_of(folder), &any_store, &claim, left, err))
        return false;
    return claim == CLAIM_OURS || err_set(err, ERR_STOP, "%s: no MANIFEST: %s", folder, others[claim]);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------- */

typedef struct Visit {
    const BackupOwner *owner;
    bool told_renamed;
} Visit;

static void tell_left_alone(Visit *visit, const char *path, BackupClaim claim)
{
    if (claim == CLAIM_OTHER_HOST)
        log_line(LOG_INFO, "%s: of a run on another host; left to that host", path);
    if (claim != CLAIM_RENAMED || visit->told_renamed)
        return;
    visit->told_renamed = true;
    log_line(LOG_WARN,
             "%s: the backup of a run that was killed, into another store that had the address of this one; it is left as it is, "
             "and can be restored by its name",
             path);
}

static bool visit_folder(Visit *visit, const char *path, Err *err)
{
    BackupClaim claim;
    bool has, left;
    if (run_id_of(path) == NULL)
        return backup_owner_remove_new(path, visit->owner, err);
    if (!has_manifest(path, &has, err))
        return false;
    if (has)
        return true;
    if (!finish_folder(path, run_id_of(path), visit->owner, &claim, &left, err))
        return false;
    tell_left_alone(visit, path, claim);
    return true;
}

static bool visit_entry(Visit *visit, const char *backup_dir, const char *name, Err *err)
{
    struct stat st;
    char *path = fs_join(backup_dir, name);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = true;
    if (lstat(path, &st) == 0)
        ok = !S_ISDIR(st.st_mode) || visit_folder(visit, path, err);
    else
        ok = errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", path);
    free(path);
    return ok;
}

bool backup_finish_leftovers(const char *backup_dir, const BackupOwner *owner, Err *err)
{
    Visit visit = {.owner = owner};
    bool ok = true;
    DIR *dir = opendir(backup_dir);
    if (dir == NULL)
        return errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", backup_dir);
    for (struct dirent *entry; ok && (errno = 0, entry = readdir(dir)) != NULL;)
        if (backup_is_run_id(entry->d_name) || backup_owner_is_new(entry->d_name))
            ok = visit_entry(&visit, backup_dir, entry->d_name, err);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", backup_dir);
    closedir(dir);
    return ok;
}
