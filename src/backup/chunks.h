/* chunks.h: where each piece in chunks-N.csv stands. A piece is read when its row is, from its file. Private to backup/.
 * One thread. */
#ifndef BACKUP_CHUNKS_H
#define BACKUP_CHUNKS_H

#include "payload.h"
#include "backup/backup.h"

typedef struct BackupChunks BackupChunks;

BackupChunks *backup_chunks_new(Err *err);
void backup_chunks_free(BackupChunks *chunks);

/* Notes the pieces of one file. Memory: about 100 bytes for each. ended: what is torn or has a fault is ERR_STOP with file and row;
 * else it is passed over. */
bool backup_chunks_read(BackupChunks *chunks, const char *folder, const char *name, bool ended, Err *err);

/* Appends all pieces of a row, in order. *proven: they are all there and make the payload of the row. ERR_STOP: one is not that of
 * its own digest, if the run has ended. */
bool backup_chunks_join(BackupChunks *chunks, BackupDecoder *decoder, const StoredModel *row, bool ended, Spool *out, bool *proven,
                        Err *err);

#endif
