/* format.h: what the files of a backup folder look like. Private to backup/; the format is in docs/formats.md. */
#ifndef BACKUP_FORMAT_H
#define BACKUP_FORMAT_H

#include "backup/backup.h"

#define BACKUP_MANIFEST_NAME "MANIFEST"
#define BACKUP_STORE_NAME "STORE"

#define BACKUP_COLUMNS_FRONT "name,version,model_type,event,"
#define BACKUP_COLUMNS_MIDDLE \
    "is_active,content_sha256,raw_bytes,stored_sha256,stored_bytes,format,encoding,chunk_count,"
#define BACKUP_COLUMNS_BEHIND "source_host,source_path,source_mtime,run_id\n"
#define BACKUP_HEADER_FULL BACKUP_COLUMNS_FRONT "model_binary," BACKUP_COLUMNS_MIDDLE "members_sha256," BACKUP_COLUMNS_BEHIND
#define BACKUP_HEADER_META BACKUP_COLUMNS_FRONT BACKUP_COLUMNS_MIDDLE "members_sha256," BACKUP_COLUMNS_BEHIND
#define BACKUP_HEADER_CHUNKS "name,version,data,seq,sha256\n"
/* Of version 0.1.0. */
#define BACKUP_HEADER_FULL_1 BACKUP_COLUMNS_FRONT "model_binary," BACKUP_COLUMNS_MIDDLE BACKUP_COLUMNS_BEHIND
#define BACKUP_HEADER_META_1 BACKUP_COLUMNS_FRONT BACKUP_COLUMNS_MIDDLE BACKUP_COLUMNS_BEHIND

/* `part-N.csv` or `chunks-N.csv`, N of 1 to 10 digits. */
bool backup_is_file_name(const char *name, bool *chunks);

/* 36 characters, lower-case hex and dashes, as id_new_uuid makes them. */
bool backup_is_run_id(const char *name);

bool backup_manifest_write(const char *folder, const BackupManifest *manifest, Err *err);

/* Grows manifest->files by one. */
bool backup_manifest_add(BackupManifest *manifest, const BackupFileInfo *file, Err *err);

/* A file of a backup folder: no symlink, a regular file. -1 and ERR_STOP. */
int backup_open_existing(const char *path, int flags, Err *err);

/* Bytes, rows and SHA-256 of a whole file; the name in *out stays. ERR_STOP, ERR_INTERRUPTED. */
bool backup_measure_file(int fd, const char *path, BackupFileInfo *out, Err *err);

#endif
