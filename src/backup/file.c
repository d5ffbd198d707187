#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

#define BUFFER_BYTES ((size_t)1024 * 1024)
#define WRITE_BACK_BYTES ((uint64_t)8 * 1024 * 1024)

bool backup_file_flush(BackupFile *file, Err *err)
{
    if (file->len == 0)
        return true;
    if (!sha256_add(file->sha, file->buffer, file->len, err))
        return false;
    if (!fs_write(file->fd, file->buffer, file->len)) {
        err_set_errno(err, ERR_STOP, errno, "cannot write the backup %s", file->path);
        err_hint(err, "make room there");
        return err_remedy(err, REMEDY_BACKUP_DIR);
    }
    file->bytes += file->len;
    file->len = 0;
    if (file->bytes - file->started >= WRITE_BACK_BYTES) {
        /* The disk works while the next rows are made, and the sync has little left to do. What goes wrong here, the sync reports.
         */
        (void)sync_file_range(file->fd, (off_t)file->started, (off_t)(file->bytes - file->started), SYNC_FILE_RANGE_WRITE);
        file->started = file->bytes;
    }
    return true;
}

bool backup_file_text(BackupFile *file, const void *data, size_t len, Err *err)
{
    const char *at = data;
    while (len > 0) {
        if (file->len == BUFFER_BYTES && !backup_file_flush(file, err))
            return false;
        size_t take = BUFFER_BYTES - file->len < len ? BUFFER_BYTES - file->len : len;
        memcpy(file->buffer + file->len, at, take);
        file->len += take;
        at += take;
        len -= take;
    }
    return true;
}

bool backup_file_hex(BackupFile *file, const void *data, size_t len, Err *err)
{
    const char *at = data;
    while (len > 0) {
        if (BUFFER_BYTES - file->len < 2 && !backup_file_flush(file, err))
            return false;
        size_t room = (BUFFER_BYTES - file->len) / 2;
        size_t take = room < len ? room : len;
        text_hex(file->buffer + file->len, at, take);
        file->len += 2 * take;
        at += take;
        len -= take;
    }
    return true;
}

bool backup_file_create(BackupFile *file, const char *folder, const char *name, const char *header, Err *err)
{
    *file = (BackupFile){.fd = -1};
    if (!text_copy(file->name, sizeof file->name, name))
        return err_set(err, ERR_BUG, "%s: too long a name for a backup file", name);
    file->path = fs_join(folder, name);
    file->buffer = malloc(BUFFER_BYTES + 1); /* text_hex puts a NUL behind */
    if (file->path == NULL || file->buffer == NULL) {
        err_no_memory(err);
        goto fail;
    }
    file->sha = sha256_new(err);
    file->kept_sha = file->sha != NULL ? sha256_new(err) : NULL;
    if (file->kept_sha == NULL)
        goto fail;
    file->fd = fs_open_private_file(file->path, O_APPEND | O_EXCL, err);
    if (file->fd < 0)
        goto fail;
    if (backup_file_text(file, header, strlen(header), err) && backup_file_flush(file, err) && backup_file_keep(file, err))
        return true;
    unlink(file->path);
fail:
    backup_file_close(file);
    return false;
}

void backup_file_close(BackupFile *file)
{
    if (file->path == NULL && file->buffer == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    sha256_free(file->sha);
    sha256_free(file->kept_sha);
    free(file->buffer);
    free(file->path);
    *file = (BackupFile){.fd = -1};
}

bool backup_file_keep(BackupFile *file, Err *err)
{
    if (file->len > 0)
        return err_set(err, ERR_BUG, "%s: rows are to be kept that were not written", file->path);
    if (!sha256_copy(file->kept_sha, file->sha, err))
        return false;
    file->kept_bytes = file->bytes;
    file->kept_rows = file->rows;
    return true;
}

bool backup_file_undo(BackupFile *file, Err *err)
{
    if (ftruncate(file->fd, (off_t)file->kept_bytes) != 0)
        return err_set_errno(err, ERR_STOP, errno, "cannot cut the backup %s", file->path);
    if (!sha256_copy(file->sha, file->kept_sha, err))
        return false;
    file->len = 0;
    file->bytes = file->kept_bytes;
    file->rows = file->kept_rows;
    if (file->started > file->bytes)
        file->started = file->bytes;
    return true;
}

bool backup_file_info(BackupFile *file, BackupFileInfo *out, Err *err)
{
    *out = (BackupFileInfo){.bytes = file->kept_bytes, .rows = file->kept_rows};
    text_copy(out->name, sizeof out->name, file->name);
    return sha256_end(file->kept_sha, &out->sha256, err);
}
