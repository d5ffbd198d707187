#include "backup/backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "owner.h"
#include "row.h"
#include "base/fs.h"
#include "base/text.h"
#include "base/vec.h"

typedef enum PartState {
    PART_GOOD,
    PART_TORN, /* a row is half written: undo puts it right */
    PART_DEAD  /* an fsync failed: nobody knows what the disk holds */
} PartState;

struct BackupPart {
    Backup *backup;
    unsigned number;
    PartState state;
    Err failure;      /* of PART_TORN and PART_DEAD */
    bool names_synced; /* the folders hold the files' names, durably */
    BackupFile rows, chunks;
    Buf scratch;
};

struct Backup {
    char *folder; /* <dir>/<run-id> */
    char *top;    /* the deepest directory above `folder` that was there at the start */
    char run_id[37];
    BackupMode mode;
    BackupPart **parts;
    size_t count, cap;
    bool finished;
    int lock; /* on its STORE, -1 before backup_begin */
};

/* Cuts the last component; "." and "/" are the ends. */
static void to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        memcpy(path, ".", sizeof ".");
    else
        *(slash == path ? slash + 1 : slash) = '\0';
}

static bool is_end(const char *path)
{
    return strcmp(path, "/") == 0 || strcmp(path, ".") == 0;
}

static char *existing_ancestor(const char *folder)
{
    struct stat st;
    size_t len = strlen(folder);
    char *path = malloc(len + 2);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, len + 1);
    do
        to_parent(path);
    while (!is_end(path) && stat(path, &st) != 0);
    return path;
}

bool backup_open(const char *backup_dir, const char *run_id, BackupMode mode, Backup **out, Err *err)
{
    if (!backup_is_run_id(run_id) || backup_dir[0] == '\0')
        return err_set(err, ERR_BUG, "%s/%s: no name for a backup", backup_dir, run_id);
    Backup *backup = calloc(1, sizeof *backup);
    if (backup == NULL)
        return err_no_memory(err);
    backup->mode = mode;
    backup->lock = -1;
    text_copy(backup->run_id, sizeof backup->run_id, run_id);
    backup->folder = fs_join(backup_dir, run_id);
    backup->top = backup->folder != NULL ? existing_ancestor(backup->folder) : NULL;
    if (backup->top == NULL) {
        backup_close(backup);
        return err_no_memory(err);
    }
    *out = backup;
    return true;
}

void backup_close(Backup *backup)
{
    if (backup == NULL)
        return;
    for (size_t i = 0; i < backup->count; i++) {
        backup_file_close(&backup->parts[i]->rows);
        backup_file_close(&backup->parts[i]->chunks);
        buf_free(&backup->parts[i]->scratch);
        free(backup->parts[i]);
    }
    free(backup->parts);
    free(backup->folder);
    free(backup->top);
    if (backup->lock >= 0)
        close(backup->lock);
    free(backup);
}

bool backup_begin(Backup *backup, const BackupOwner *owner, Err *err)
{
    return backup->mode == BACKUP_NONE || backup->lock >= 0 || backup_owner_begin(backup->folder, owner, &backup->lock, err);
}

const char *backup_path(const Backup *backup)
{
    return backup->mode == BACKUP_NONE ? NULL : backup->folder;
}

BackupPart *backup_part(Backup *backup, unsigned number, Err *err)
{
    for (size_t i = 0; i < backup->count; i++)
        if (backup->parts[i]->number == number)
            return backup->parts[i];
    if (!vec_grow(&backup->parts, &backup->cap, backup->count, 1, sizeof *backup->parts, err))
        return NULL;
    BackupPart *part = calloc(1, sizeof *part);
    if (part == NULL) {
        err_no_memory(err);
        return NULL;
    }
    part->backup = backup;
    part->number = number;
    backup->parts[backup->count++] = part;
    return part;
}

/* --- one part ---------------------------------------------------------------------------------------------------------------- */

static bool fail(BackupPart *part, PartState state, const Err *why, Err *err)
{
    part->state = state;
    part->failure = *why;
    if (err != NULL)
        *err = *why;
    return false;
}

/* What was synced before the failure stays, and only that: the rows behind it are not committed. */
static bool die(BackupPart *part, const Err *why, Err *err)
{
    BackupFile *files[] = {&part->rows, &part->chunks};
    for (size_t i = 0; i < 2; i++)
        if (files[i]->path != NULL && ftruncate(files[i]->fd, (off_t)files[i]->kept_bytes) != 0)
            continue; /* then backup_recover cuts them: it looks at each row */
    return fail(part, PART_DEAD, why, err);
}

static bool check_usable(const BackupPart *part, Err *err)
{
    if (part->backup->finished)
        return err_set(err, ERR_BUG, "%s: the backup is finished", part->backup->folder);
    if (part->state == PART_GOOD)
        return true;
    if (err != NULL)
        *err = part->failure;
    return false;
}

static bool ensure_file(BackupPart *part, BackupFile *file, const char *stem, const char *header, Err *err)
{
    char name[BACKUP_FILE_NAME_MAX];
    if (file->path != NULL)
        return true;
    snprintf(name, sizeof name, "%s-%u.csv", stem, part->number);
    if (!fs_make_private_dir(part->backup->folder, err) || !backup_file_create(file, part->backup->folder, name, header, err))
        return false;
    part->names_synced = false;
    return true;
}

bool backup_part_add(BackupPart *part, const StoredModel *row, Spool *payload, Err *err)
{
    BackupMode mode = part->backup->mode;
    bool full = mode == BACKUP_FULL;
    Err why = {0};
    if (mode == BACKUP_NONE)
        return true;
    if (!check_usable(part, err) || !backup_row_check(row, err))
        return false;
    /* Making a folder syncs its parent, so a failure here can be that of an fsync. */
    if (!ensure_file(part, &part->rows, "part", full ? BACKUP_HEADER_FULL : BACKUP_HEADER_META, &why) ||
        (full && row->chunk_count > 0 && !ensure_file(part, &part->chunks, "chunks", BACKUP_HEADER_CHUNKS, &why)))
        return die(part, &why, err);
    if (!backup_row_write(&part->rows, &part->chunks, row, payload, full, &part->scratch, &why))
        return fail(part, PART_TORN, &why, err);
    return true;
}

/* From the run's folder up to what was there at the start. Each part does it for itself: another one's folders may not be durable
 * yet. */
static bool sync_names(BackupPart *part, Err *err)
{
    const Backup *backup = part->backup;
    char *path = strdup(backup->folder);
    if (path == NULL)
        return err_no_memory(err);
    bool ok = fs_sync_dir(path, err);
    while (ok && strcmp(path, backup->top) != 0 && !is_end(path)) {
        to_parent(path);
        ok = fs_sync_dir(path, err);
    }
    free(path);
    part->names_synced = ok;
    return ok;
}

static bool sync_file(BackupFile *file, Err *err)
{
    return file->path == NULL || fdatasync(file->fd) == 0 || err_set_errno(err, ERR_STOP, errno, "fsync of %s", file->path);
}

static bool flush_file(BackupFile *file, Err *err)
{
    return file->path == NULL || backup_file_flush(file, err);
}

bool backup_part_sync(BackupPart *part, Err *err)
{
    Err why = {0};
    if (part->backup->mode == BACKUP_NONE)
        return true;
    if (!check_usable(part, err))
        return false;
    if (!flush_file(&part->chunks, &why) || !flush_file(&part->rows, &why))
        return fail(part, PART_TORN, &why, err);
    if (!sync_file(&part->chunks, &why) || !sync_file(&part->rows, &why))
        return die(part, &why, err);
    if (!part->names_synced && part->rows.path != NULL && !sync_names(part, &why))
        return die(part, &why, err);
    return true;
}

void backup_part_keep(BackupPart *part)
{
    Err why = {0};
    if (part->state != PART_GOOD) {
        part->state = PART_DEAD;
        return;
    }
    if ((part->rows.path != NULL && !backup_file_keep(&part->rows, &why)) ||
        (part->chunks.path != NULL && !backup_file_keep(&part->chunks, &why)))
        fail(part, PART_DEAD, &why, NULL);
}

bool backup_part_undo(BackupPart *part, Err *err)
{
    Err why = {0};
    if (part->state == PART_DEAD) {
        if (err != NULL)
            *err = part->failure;
        return false;
    }
    if ((part->rows.path != NULL && !backup_file_undo(&part->rows, &why)) ||
        (part->chunks.path != NULL && !backup_file_undo(&part->chunks, &why)))
        return die(part, &why, err);
    part->state = PART_GOOD;
    return true;
}

/* --- the end ----------------------------------------------------------------------------------------------------------------- */

/* A file with kept rows goes into the manifest, one without goes away. */
static bool settle_file(BackupFile *file, BackupManifest *manifest, Err *err)
{
    BackupFileInfo info;
    if (file->path == NULL)
        return true;
    if (file->kept_rows == 0)
        return unlink(file->path) == 0 || errno == ENOENT || err_set_errno(err, ERR_STOP, errno, "cannot remove %s", file->path);
    return sync_file(file, err) && backup_file_info(file, &info, err) && backup_manifest_add(manifest, &info, err);
}

bool backup_finish(Backup *backup, uint64_t *rows, Err *err)
{
    BackupManifest manifest = {.mode = backup->mode};
    uint64_t kept = 0;
    bool ok = false;
    if (backup->finished)
        return err_set(err, ERR_BUG, "%s: the backup is finished", backup->folder);
    backup->finished = true;
    text_copy(manifest.run_id, sizeof manifest.run_id, backup->run_id);
    for (size_t i = 0; i < backup->count; i++) {
        BackupPart *part = backup->parts[i];
        if (!backup_part_undo(part, err) || !settle_file(&part->rows, &manifest, err) ||
            !settle_file(&part->chunks, &manifest, err))
            goto out;
        kept += part->rows.kept_rows;
    }
    ok = manifest.count == 0 || backup_manifest_write(backup->folder, &manifest, err);
    if (ok && manifest.count == 0 && backup->lock >= 0)
        ok = backup_owner_forget(backup->folder, err);
    if (manifest.count == 0)
        (void)rmdir(backup->folder); /* may never have been made; an empty one does no harm */
    if (ok && rows != NULL)
        *rows = kept;
out:
    backup_manifest_free(&manifest);
    return ok;
}
