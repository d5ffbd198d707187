/* scan.h: walks a CSV file of the backup row by row, in little memory however long its rows are. Private to backup/.
 *
 * The one reader of such files. It reads what row.c writes, where a line is a row, and nothing else. Payloads are passed
 * over: a row tells where its own stands, and backup_decode reads and proves it. */
#ifndef BACKUP_SCAN_H
#define BACKUP_SCAN_H

#include "line.h"
#include "parse.h"
#include "payload.h"
#include "backup/backup.h"

typedef enum BackupHeader { BACKUP_HEADER_OURS, BACKUP_HEADER_TORN, BACKUP_HEADER_UNKNOWN } BackupHeader;

/* The first line of a file. */
typedef struct BackupColumns {
    BackupHeader header;
    BackupMode mode; /* of part-N.csv: META when model_binary is left out */
    size_t header_bytes, columns, payload_column;
} BackupColumns;

/* TORN: a file that ends inside a line of ours, or is empty. ERR_STOP: it cannot be read. */
bool backup_read_columns(int fd, const char *path, bool chunks, BackupColumns *out, Err *err);

typedef struct ScannedRow {
    uint64_t number;       /* the header is row 1 */
    uint64_t start, end;   /* bytes in the file; end is behind the newline */
    const char *fault;     /* NULL, or what is wrong with it; then nothing below holds */
    const char *name;
    int32_t version;
    StoredModel row;       /* of part-N.csv; of chunks-N.csv all zero */
    uint32_t seq;          /* of chunks-N.csv */
    bool has_payload;      /* false: it is in chunks-N.csv, or left out */
    BackupPayload payload; /* not decoded yet: its bytes are as many as the row says, no more is known */
} ScannedRow;

typedef struct BackupScan {
    int fd;
    char *path;
    BackupColumns columns;
    uint64_t bytes;       /* read so far */
    uint64_t whole_bytes; /* up to the last newline of them; at the end of the file the rest is a torn line */
    bool chunks;
    char *block;
    size_t block_len, block_at;
    BackupLine line;
    ScannedRow row;
} BackupScan;

/* *out is zero or filled also on failure: close it. No rows unless the header is OURS. ERR_STOP: no such file, not a regular one,
 * no memory. */
bool backup_scan_open(BackupScan *out, const char *folder, const char *name, bool chunks, Err *err);

/* The next whole line, also one with a fault; NULL at the end. Borrowed until the next call. ERR_STOP: read error, no memory. */
bool backup_scan_next(BackupScan *scan, const ScannedRow **row, Err *err);

void backup_scan_close(BackupScan *scan);

#define BACKUP_WRONG_PAYLOAD "the payload is not the one of stored_sha256"
#define BACKUP_WRONG_PIECE "the piece is not the one of its sha256"

/* Says so: ERR_STOP. */
bool backup_bad_row(const char *path, uint64_t number, const char *what, Err *err);

#endif
