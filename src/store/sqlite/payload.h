/* payload.h: the bytes of one stored payload in pieces, wherever they are. Inside a transaction, and as of its moment. */
#ifndef STORE_SQLITE_PAYLOAD_H
#define STORE_SQLITE_PAYLOAD_H

#include "sqlite.h"

/* *found: there is such a row. The name is borrowed until sqlite_payload_close, which is called in any case. */
bool sqlite_payload_open(Sqlite *sq, const char *name, int32_t version, SqlitePayload *out, bool *found, Err *err);

/* At most 1 MiB, borrowed until the next call; *len 0 = the end. ERR_SKIP: it ends too early, a chunk is missing, or the file is
 * damaged there. */
bool sqlite_payload_next(Sqlite *sq, SqlitePayload *payload, const void **data, size_t *len, Err *err);
void sqlite_payload_close(SqlitePayload *payload);

/* Hashes all of it. *whole false: it is damaged, and `digest` says nothing. */
bool sqlite_payload_hash(Sqlite *sq, SqlitePayload *payload, Digest *digest, bool *whole, Err *err);

#endif
