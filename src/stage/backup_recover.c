#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup_format.h"
#include "backup_owner.h"
#include "backup_scan.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"

/* A folder is put right in steps that may each be the last one of a killed process: a file is cut in place when only its end goes, else a
 * new one takes its name; then the folder is synced, and MANIFEST, whose presence means done, is written last. */

#define COPY_BYTES ((size_t)1024 * 1024)

typedef struct Names {
    char (*items)[BACKUP_FILE_NAME_MAX];
    size_t count;
} Names;

typedef struct Folder {
    Names parts;  /* part-N.csv, chunks-N.csv */
    Names temps;  /* what a killed recovery or finish left: *.tmp */
    bool done;    /* has a MANIFEST */
    bool foreign; /* has something that is not ours */
} Folder;

static bool add_name(Names *names, const char *name, Err *err)
{
    char(*grown)[BACKUP_FILE_NAME_MAX] = realloc(names->items, (names->count + 1) * sizeof *grown);
    if (grown == NULL)
        return err_no_memory(err);
    names->items = grown;
    return text_copy(names->items[names->count++], BACKUP_FILE_NAME_MAX, name) || err_set(err, ERR_BUG, "%s: too long a name", name);
}

static void free_folder(Folder *folder)
{
    free(folder->parts.items);
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
        return add_name(&folder->parts, name, err);
    if (is_temp_name(name))
        return add_name(&folder->temps, name, err);
    if (strcmp(name, BACKUP_MANIFEST_NAME) == 0)
        folder->done = true;
    else if (strcmp(name, BACKUP_STORE_NAME) != 0)
        folder->foreign = true;
    return true;
}

static bool list_folder(const char *path, Folder *folder, Err *err)
{
    DIR *dir = opendir(path);
    bool ok = true;
    if (dir == NULL)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
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
    return !folder->done && (folder->parts.count > 0 || !folder->foreign);
}

/* --- one file ----------------------------------------------------------------------------------------------------------------- */

typedef struct Range {
    uint64_t start, end;
} Range;

typedef struct Kept {
    BackupIsStoredFn is_stored;
    void *ctx;
    const char *run_id;
    BackupDecoder *decoder;
    Range *ranges; /* the header, then the rows to keep; neighbours are one */
    size_t count;
    uint64_t rows, damaged;
} Kept;

static bool add_range(Kept *kept, uint64_t start, uint64_t end, Err *err)
{
    if (kept->count > 0 && kept->ranges[kept->count - 1].end == start) {
        kept->ranges[kept->count - 1].end = end;
        return true;
    }
    if ((kept->count & (kept->count - 1)) == 0) {
        Range *grown = realloc(kept->ranges, (kept->count == 0 ? 1 : 2 * kept->count) * sizeof *grown);
        if (grown == NULL)
            return err_no_memory(err);
        kept->ranges = grown;
    }
    kept->ranges[kept->count++] = (Range){start, end};
    return true;
}

/* The row is as it was written by this run, payload and all. Rows of chunks name no run. */
static bool prove_row(Kept *kept, const ScannedRow *row, bool *proven, Err *err)
{
    *proven = row->fault == NULL && (row->row.run_id == NULL || strcmp(row->row.run_id, kept->run_id) == 0);
    return !*proven || !row->has_payload || backup_decode(kept->decoder, row->fd, row->path, &row->payload, NULL, NULL, proven, err);
}

static bool keep_if_stored(void *ctx, const ScannedRow *row, Err *err)
{
    Kept *kept = ctx;
    bool proven, stored = false;
    if (!prove_row(kept, row, &proven, err))
        return false;
    if (!proven) {
        kept->damaged++;
        return true;
    }
    if (!kept->is_stored(kept->ctx, row->name, row->version, kept->run_id, &stored, err))
        return false;
    if (!stored)
        return true;
    kept->rows++;
    if (kept->count == 0 && !add_range(kept, 0, row->header_bytes, err))
        return false;
    return add_range(kept, row->start, row->end, err);
}

static bool copy_range(int from, int to, Range range, char *buffer, const char *path, Err *err)
{
    while (range.start < range.end) {
        uint64_t left = range.end - range.start;
        ssize_t got = fs_read_at(from, buffer, left < COPY_BYTES ? (size_t)left : COPY_BYTES, range.start);
        if (got <= 0)
            return err_set_errno(err, ERR_STOP, got < 0 ? errno : EIO, "cannot read %s", path);
        if (!fs_write(to, buffer, (size_t)got))
            return err_set_errno(err, ERR_STOP, errno, "cannot write %s.tmp", path);
        range.start += (uint64_t)got;
    }
    return true;
}

/* A new file of the kept ranges takes the name. *fd becomes the new one's. */
static bool rewrite_file(int *fd, const char *path, const Kept *kept, Err *err)
{
    Buf temp = {0};
    char *buffer = malloc(COPY_BYTES);
    int new_fd = -1;
    bool ok = false;
    if (buffer == NULL) {
        err_no_memory(err);
        goto out;
    }
    if (!buf_format(&temp, err, "%s.tmp", path))
        goto out;
    unlink(temp.data);
    new_fd = fs_open_private_file(temp.data, O_EXCL, err);
    if (new_fd < 0)
        goto out;
    for (size_t i = 0; i < kept->count; i++)
        if (!copy_range(*fd, new_fd, kept->ranges[i], buffer, path, err))
            goto out;
    if (fsync(new_fd) != 0 || rename(temp.data, path) != 0) {
        err_set_errno(err, ERR_STOP, errno, "cannot write %s", path);
        goto out;
    }
    close(*fd);
    *fd = new_fd;
    new_fd = -1;
    ok = true;
out:
    if (new_fd >= 0) {
        close(new_fd);
        unlink(temp.data);
    }
    free(buffer);
    buf_free(&temp);
    return ok;
}

static bool cut_file(int *fd, const char *path, const Kept *kept, uint64_t bytes, Err *err)
{
    if (kept->rows == 0)
        return unlink(path) == 0 || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", path);
    if (kept->count > 1 || kept->ranges[0].start != 0)
        return rewrite_file(fd, path, kept, err);
    if (kept->ranges[0].end < bytes && ftruncate(*fd, (off_t)kept->ranges[0].end) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot cut %s", path);
    /* Also when nothing was cut: the run may have been killed between its write and its sync. */
    return fsync(*fd) == 0 || err_set_errno(err, ERR_STOP, errno, "fsync of %s", path);
}

/* *understood is false when the file is of another version: then nothing was touched. */
static bool recover_file(const char *folder, const char *name, Kept *kept, BackupManifest *manifest, bool *understood, Err *err)
{
    BackupFileInfo info = {0};
    ScanResult scan = {0};
    bool ok = false, chunks;
    char *path = fs_join(folder, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDWR, err);
    backup_is_file_name(name, &chunks);
    if (fd < 0 || !backup_scan(fd, path, chunks, keep_if_stored, kept, &scan, err))
        goto out;
    *understood = scan.header != BACKUP_HEADER_UNKNOWN;
    if (*understood && kept->damaged > 0)
        log_line(LOG_WARN, "%s: %" PRIu64 " damaged rows are cut off", path, kept->damaged);
    ok = !*understood || cut_file(&fd, path, kept, scan.bytes, err);
    if (!ok || !*understood || kept->rows == 0)
        goto out;
    info.rows = kept->rows;
    text_copy(info.name, sizeof info.name, name);
    if (!chunks)
        manifest->mode = scan.mode;
    ok = backup_hash_file(fd, path, &info.bytes, &info.sha256, err) && backup_manifest_add(manifest, &info, err);
out:
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}

/* --- one folder --------------------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool remove_temps(const char *path, const Names *temps, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < temps->count; i++) {
        char *temp = fs_join(path, temps->items[i]);
        if (temp == NULL)
            return err_no_memory(err);
        ok = unlink(temp) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", temp);
        free(temp);
    }
    return ok;
}

static bool recover_folder(const char *path, Folder *folder, const Kept *how, Err *err)
{
    BackupManifest manifest = {.mode = BACKUP_FULL};
    bool ok = false, understood = true;
    text_copy(manifest.run_id, sizeof manifest.run_id, how->run_id);
    BackupDecoder *decoder = backup_decoder_new(err);
    if (decoder == NULL || !remove_temps(path, &folder->temps, err))
        goto out;
    if (folder->parts.count > 0)
        qsort(folder->parts.items, folder->parts.count, sizeof *folder->parts.items, compare_names);
    for (size_t i = 0; i < folder->parts.count; i++) {
        Kept kept = *how;
        kept.decoder = decoder;
        bool done = recover_file(path, folder->parts.items[i], &kept, &manifest, &understood, err);
        free(kept.ranges);
        if (!done)
            goto out;
        if (!understood) {
            log_line(LOG_WARN, "%s: %s is not a backup that this version can read; left as it is", path, folder->parts.items[i]);
            ok = true;
            goto out;
        }
    }
    if (manifest.count > 0) {
        ok = fs_sync_dir(path, err) && backup_manifest_write(path, &manifest, err);
    } else {
        if (!folder->foreign && !backup_owner_forget(path, err))
            goto out;
        (void)rmdir(path); /* fails when someone put a file of his own there: then it is no folder of ours any more */
        ok = true;
    }
    if (ok)
        log_line(LOG_INFO, "%s: the run did not end; %zu files of its backup are put right", path, manifest.count);
out:
    backup_decoder_free(decoder);
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

static bool visit_unfinished(const char *path, const char *name, Folder *folder, const Visitor *visitor, Err *err)
{
    bool ours;
    int lock;
    if (!backup_owner_claim(path, visitor->place, &lock, &ours, err))
        return false;
    bool ok = !ours || visitor->fn(visitor->ctx, path, name, folder, err);
    if (lock >= 0)
        close(lock);
    return ok;
}

static bool visit(const char *backup_dir, const char *name, const Visitor *visitor, Err *err)
{
    struct stat st;
    Folder folder = {0};
    char *path = fs_join(backup_dir, name);
    bool ok;
    if (path == NULL)
        return err_no_memory(err);
    if (lstat(path, &st) != 0)
        ok = errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "%s", path);
    else if (!S_ISDIR(st.st_mode))
        ok = true;
    else
        ok = list_folder(path, &folder, err) && (!is_unfinished(&folder) || visit_unfinished(path, name, &folder, visitor, err));
    free_folder(&folder);
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
        if (backup_is_run_id(entry->d_name))
            ok = visit(backup_dir, entry->d_name, visitor, err);
    if (ok && errno != 0)
        ok = err_set_errno(err, ERR_STOP, errno, "%s", backup_dir);
    closedir(dir);
    return ok;
}

static bool recover_one(void *ctx, const char *path, const char *run_id, Folder *folder, Err *err)
{
    Kept how = *(const Kept *)ctx;
    how.run_id = run_id;
    return recover_folder(path, folder, &how, err);
}

bool backup_recover(const char *backup_dir, const char *place, BackupIsStoredFn is_stored, void *ctx, Err *err)
{
    Kept how = {.is_stored = is_stored, .ctx = ctx};
    Visitor visitor = {.place = place, .fn = recover_one, .ctx = &how};
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
