/* row.h: a row of the store as lines of CSV. Private to backup/. */
#ifndef BACKUP_ROW_H
#define BACKUP_ROW_H

#include "file.h"

/* ERR_SKIP: a text that a line of the backup must not hold. */
bool backup_row_check(const StoredModel *row, Err *err);

/* rows: gets the line of `models`; chunks: gets those of `model_chunks` when the payload is chunked, may be NULL otherwise.
 * with_payload: false leaves model_binary out. scratch: reused memory. */
bool backup_row_write(BackupFile *rows, BackupFile *chunks, const StoredModel *row, Spool *payload, bool with_payload, Buf *scratch,
                      Err *err);

#endif
