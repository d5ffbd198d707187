/* backup_scan.h: walks a CSV file of the backup row by row, knowing where each row begins and ends. Private to backup*.c.
 *
 * Not csvfile.h: that one gives no offsets and holds a whole row, here a payload of any size passes through a small buffer. It reads what
 * backup_row.c writes, where a line is a row, and nothing else. */
#ifndef STAGE_BACKUP_SCAN_H
#define STAGE_BACKUP_SCAN_H

#include "stage/backup.h"

typedef struct ScannedRow {
    const char *name; /* borrowed until the callback returns */
    int32_t version;
    uint64_t start, end; /* bytes in the file; end is behind the newline */
    uint64_t header_bytes; /* of the file's first line */
} ScannedRow;

typedef bool (*BackupScanFn)(void *ctx, const ScannedRow *row, Err *err);

typedef enum BackupHeader { BACKUP_HEADER_OURS, BACKUP_HEADER_TORN, BACKUP_HEADER_UNKNOWN } BackupHeader;

typedef struct ScanResult {
    BackupHeader header;  /* of the file; no rows unless OURS */
    BackupMode mode;      /* META when model_binary is left out */
    uint64_t header_bytes;
    uint64_t bytes;       /* of the file */
    uint64_t damaged;     /* rows that are complete but not as written: fields, run, or a payload that is not what its digest says */
} ScanResult;

/* Calls fn for each row that is complete and sound. Reads the file once. ERR_STOP: read error, no memory, or what fn says. */
bool backup_scan(int fd, const char *path, bool chunks, const char *run_id, BackupScanFn fn, void *ctx, ScanResult *out, Err *err);

/* backup_read.c: the 17 fields of a row; row->payload stays as it is. False: one of them cannot be what was written. */
bool backup_parse_row(char *const *fields, StoreRow *row);

#endif
