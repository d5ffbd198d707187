/* upload.h: the chunks of a payload, which come before the row that makes them visible.
 *
 * Outside of a transaction each chunk goes in one of its own, so that no reader waits for gigabytes. model_uploads notes whose they
 * are until the row is there. */
#ifndef STORE_SQLITE_UPLOAD_H
#define STORE_SQLITE_UPLOAD_H

#include "sqlite.h"

/* Stores all chunks. ERR_SKIP: they are not what model->stored says. What is there then is removed again. */
bool sqlite_upload(Sqlite *sq, const StoredModel *model, Spool *payload, int64_t *upload_id, Err *err);

/* Inside the transaction that puts the row. ERR_RETRY: somebody took the upload for dead. */
bool sqlite_upload_settle(Sqlite *sq, int64_t upload_id, Err *err);

/* Removes an upload that will have no row, as far as it can. */
void sqlite_upload_drop(Sqlite *sq, int64_t upload_id);

/* Removes the uploads of processes of this host that are gone, and those that are older than seven days. Not inside a transaction.
 * To remove them is no duty of this run. */
void sqlite_upload_sweep(Sqlite *sq);

/* Writes bytes [from, to) of a payload into an empty value of that size. */
bool sqlite_write_value(Sqlite *sq, const char *table, int64_t row_id, Spool *payload, uint64_t from, uint64_t to, Err *err);

/* Puts all of bytes [from, to) through the digests (NULL: not that one). */
bool sqlite_hash_payload(Sqlite *sq, Spool *payload, uint64_t from, uint64_t to, Sha256 *piece, Sha256 *whole, Err *err);

#endif
