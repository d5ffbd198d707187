/* parse.h: what the fields of a line say. The reverse of row.c; private to backup/. No state; any thread. */
#ifndef BACKUP_PARSE_H
#define BACKUP_PARSE_H

#include "store/store.h"

/* A row of chunks-N.csv, besides its data. */
typedef struct BackupPiece {
    const char *name;
    int32_t version;
    uint32_t seq;
    Digest sha256;
} BackupPiece;

/* The 17 columns of part-N.csv without model_binary, or the 16 of version 0.1.0, which had no members_sha256; NULL for an unquoted
 * empty one. *out borrows them. False: one of them cannot be what was written. */
bool backup_parse_row(const char *const *fields, size_t count, StoredModel *out);

/* The 4 columns of chunks-N.csv without data. */
bool backup_parse_piece(const char *const *fields, BackupPiece *out);

#endif
