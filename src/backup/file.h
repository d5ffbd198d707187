/* file.h: one growing CSV file with a running SHA-256, which can go back to its last kept row. Private to backup/. One
 * thread. */
#ifndef BACKUP_FILE_H
#define BACKUP_FILE_H

#include "base/err.h"
#include "port/sha256.h"
#include "backup/backup.h"

/* Zero-initialise; `path` is NULL while the file is not there. */
typedef struct BackupFile {
    char name[BACKUP_FILE_NAME_MAX];
    char *path;
    int fd;
    char *buffer; /* not yet written */
    size_t len;
    uint64_t bytes, rows;           /* in the file; rows also those in the buffer */
    uint64_t started;               /* bytes whose write-back has been asked for */
    uint64_t kept_bytes, kept_rows; /* at the last keep */
    Sha256 *sha, *kept_sha;         /* over `bytes`, over `kept_bytes` */
} BackupFile;

/* A new file with its header line, kept. On failure nothing is left of it. */
bool backup_file_create(BackupFile *file, const char *folder, const char *name, const char *header, Err *err);
void backup_file_close(BackupFile *file);

bool backup_file_text(BackupFile *file, const void *data, size_t len, Err *err);
bool backup_file_hex(BackupFile *file, const void *data, size_t len, Err *err); /* two digits a byte */
bool backup_file_flush(BackupFile *file, Err *err); /* the buffer is empty afterwards */

bool backup_file_keep(BackupFile *file, Err *err); /* the buffer must be empty */
bool backup_file_undo(BackupFile *file, Err *err); /* back to the last keep, on disk too */

/* With the kept rows only; the hash is used up. */
bool backup_file_info(BackupFile *file, BackupFileInfo *out, Err *err);

#endif
