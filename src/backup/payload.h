/* payload.h: the bytes of a payload, or of a piece of one, from the hex digits in a file of the backup. Private to backup/. */
#ifndef BACKUP_PAYLOAD_H
#define BACKUP_PAYLOAD_H

#include "base/spool.h"
#include "port/sha256.h"

/* Where it stands, and what it must be. */
typedef struct BackupPayload {
    uint64_t offset; /* of the first digit in the file */
    uint64_t bytes;  /* two digits each */
    Digest sha256;
} BackupPayload;

/* Buffers and a hash, to be used again. One thread. */
typedef struct BackupDecoder BackupDecoder;

BackupDecoder *backup_decoder_new(Err *err);
void backup_decoder_free(BackupDecoder *decoder);

/* Appends the bytes to `spool` and `whole`; either may be NULL. *proven: they are all there and have that SHA-256. ERR_STOP: read
 * error, no memory, no disk. ERR_INTERRUPTED. */
bool backup_decode(BackupDecoder *decoder, int fd, const char *path, const BackupPayload *payload, Spool *spool, Sha256 *whole,
                   bool *proven, Err *err);

#endif
