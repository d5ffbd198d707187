/* scan.h: walks a CSV file of the backup row by row, in little memory however long its rows are. Private to backup*.c.
 *
 * The one reader of such files. It reads what row.c writes, where a line is a row, and nothing else. Payloads are passed
 * over: a row tells where its own stands, and backup_decode reads and proves it. */
#ifndef BACKUP_SCAN_H
#define BACKUP_SCAN_H

#include "parse.h"
#include "payload.h"
#include "backup/backup.h"

typedef struct ScannedRow {
    int fd; /* of its file */
    const char *path;
    uint64_t number;       /* the header is row 1 */
    uint64_t start, end;   /* bytes in the file; end is behind the newline */
    uint64_t header_bytes; /* of the file's first line */
    const char *fault;     /* NULL, or what is wrong with it; then nothing below holds */
    const char *name;
    int32_t version;
    StoredModel row;          /* of part-N.csv; of chunks-N.csv all zero */
    uint32_t seq;          /* of chunks-N.csv */
    bool has_payload;      /* false: it is in chunks-N.csv, or left out */
    BackupPayload payload; /* not decoded yet: its bytes are as many as the row says, no more is known */
} ScannedRow;

/* All is borrowed until the callback returns. */
typedef bool (*BackupScanFn)(void *ctx, const ScannedRow *row, Err *err);

typedef enum BackupHeader { BACKUP_HEADER_OURS, BACKUP_HEADER_TORN, BACKUP_HEADER_UNKNOWN } BackupHeader;

typedef struct ScanResult {
    BackupHeader header;   /* of the file; no rows unless OURS */
    BackupMode mode;       /* META when model_binary is left out */
    uint64_t bytes;        /* of the file */
    uint64_t whole_bytes;  /* up to the last newline; the rest is a torn line */
    uint64_t rows;         /* whole lines, with the header */
} ScanResult;

/* Calls fn for each line that is whole, also for one with a fault. *out is filled on the way: header and mode are there for the
 * first row. ERR_STOP: read error, no memory; or what fn says. */
bool backup_scan(int fd, const char *path, bool chunks, BackupScanFn fn, void *ctx, ScanResult *out, Err *err);

/* A file that a full backup's MANIFEST names. What is torn or has a fault is ERR_STOP with file and row, so that fn sees good rows
 * only. */
bool backup_scan_finished(const char *folder, const char *name, bool chunks, BackupScanFn fn, void *ctx, Err *err);

#define BACKUP_WRONG_PAYLOAD "the payload is not the one of stored_sha256"
#define BACKUP_WRONG_PIECE "the piece is not the one of its sha256"

/* ERR_STOP with file, row and what to think of it. Always false. */
bool backup_bad_row(const char *path, uint64_t number, const char *what, Err *err);

#endif
