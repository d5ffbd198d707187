/* backup_chunks.h: the pieces of chunks-N.csv, decoded into one temporary file and found again by key. Private to backup*.c. */
#ifndef STAGE_BACKUP_CHUNKS_H
#define STAGE_BACKUP_CHUNKS_H

#include "port/csvfile.h"
#include "stage/backup.h"

typedef struct BackupChunks BackupChunks;

BackupChunks *backup_chunks_new(const char *temp_dir, size_t memory_limit, Err *err);
void backup_chunks_free(BackupChunks *chunks);

/* Adds the rows of one file. Before the first join. ERR_STOP names file and row. */
bool backup_chunks_read(BackupChunks *chunks, const char *folder, const char *name, Err *err);

/* Appends all pieces of a row in order. *sound: they are all there, once. */
bool backup_chunks_join(BackupChunks *chunks, const StoreRow *row, Spool *out, Sha256 *sha, bool *sound, Err *err);

/* backup_read.c: `\x…` into a spool and a hash. *sound: it was hex. */
bool backup_unhex_into(const char *hex, size_t len, Spool *spool, Sha256 *sha, bool *sound, Err *err);

/* One CSV file of a backup, row by row; *file is its path while it is read. ERR_STOP: not there, no plain file, torn at the end. */
bool backup_read_csv(const char *folder, const char *name, size_t field_max, const char **file, CsvRowFn fn, void *ctx, Err *err);
bool backup_bad_row(const char *file, uint64_t row, const char *what, Err *err);

#endif
