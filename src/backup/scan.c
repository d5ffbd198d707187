#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
#include "line.h"
#include "base/fs.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define NOT_A_ROW "not a whole row"

typedef struct KnownHeader {
    const char *text;
    bool chunks;
    BackupMode mode;
    size_t columns, payload_column;
} KnownHeader;

static const KnownHeader known_headers[] = {
    {BACKUP_HEADER_FULL, false, BACKUP_FULL, 17, 4},
    {BACKUP_HEADER_META, false, BACKUP_META, 16, BACKUP_NO_PAYLOAD},
    {BACKUP_HEADER_CHUNKS, true, BACKUP_FULL, 5, 2},
};

typedef struct Scan {
    int fd;
    const char *path;
    bool chunks;
    BackupScanFn fn;
    void *ctx;
    char *block; /* BLOCK_BYTES */
    BackupLine line;
    ScannedRow row; /* the one in hand */
    ScanResult *result;
} Scan;

static bool read_header(Scan *scan, Err *err)
{
    char head[512];
    ssize_t got = fs_read_at(scan->fd, head, sizeof head, 0);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", scan->path);
    scan->result->header = BACKUP_HEADER_UNKNOWN;
    for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++) {
        const KnownHeader *known = &known_headers[i];
        size_t len = strlen(known->text);
        size_t common = (size_t)got < len ? (size_t)got : len;
        if (known->chunks != scan->chunks || memcmp(head, known->text, common) != 0)
            continue;
        scan->result->header = common == len ? BACKUP_HEADER_OURS : BACKUP_HEADER_TORN;
        scan->result->mode = known->mode;
        scan->result->rows = common == len;
        scan->row.header_bytes = len;
        scan->line.columns = known->columns;
        scan->line.payload_column = known->payload_column;
        break;
    }
    return true;
}

/* False: it cannot be one, whatever its digits. */
static bool find_payload(const BackupLine *line, const Digest *sha256, BackupPayload *out)
{
    if (line->payload_chars < 2 || line->payload_chars % 2 != 0 || memcmp(line->payload_head, "\\x", 2) != 0)
        return false;
    *out = (BackupPayload){.offset = line->payload_offset + 2, .bytes = (line->payload_chars - 2) / 2, .sha256 = *sha256};
    return true;
}

static const char *fault_of_row(const BackupLine *line, const char *const *fields, ScannedRow *out)
{
    const StoredModel *row = &out->row;
    if (!backup_parse_row(fields, &out->row))
        return NOT_A_ROW;
    out->name = row->name;
    out->version = row->version;
    out->has_payload = line->payload_column != BACKUP_NO_PAYLOAD && row->chunk_count == 0;
    if (line->payload_column == BACKUP_NO_PAYLOAD)
        return NULL;
    bool found = find_payload(line, &row->stored, &out->payload);
    return found && out->payload.bytes == (row->chunk_count == 0 ? row->stored_bytes : 0) ? NULL : BACKUP_WRONG_PAYLOAD;
}

static const char *fault_of_piece(const BackupLine *line, const char *const *fields, ScannedRow *out)
{
    BackupPiece piece;
    if (!backup_parse_piece(fields, &piece))
        return NOT_A_ROW;
    out->name = piece.name;
    out->version = piece.version;
    out->seq = piece.seq;
    out->has_payload = true;
    return find_payload(line, &piece.sha256, &out->payload) && out->payload.bytes > 0 ? NULL : BACKUP_WRONG_PIECE;
}

/* At the newline. */
static bool finish_row(Scan *scan, Err *err)
{
    const char *fields[BACKUP_FIELDS_MAX];
    bool whole;
    if (!backup_line_end(&scan->line, fields, &whole, err))
        return false;
    ScannedRow *row = &scan->row;
    row->number = ++scan->result->rows;
    row->fault = !whole ? NOT_A_ROW : (scan->chunks ? fault_of_piece : fault_of_row)(&scan->line, fields, row);
    if (!scan->fn(scan->ctx, row, err))
        return false;
    row->start = scan->result->whole_bytes = row->end;
    backup_line_begin(&scan->line);
    return true;
}

static bool scan_rows(Scan *scan, Err *err)
{
    uint64_t offset = scan->row.start = scan->result->whole_bytes = scan->row.header_bytes;
    backup_line_begin(&scan->line);
    for (;;) {
        ssize_t got = fs_read_at(scan->fd, scan->block, BLOCK_BYTES, offset);
        if (got < 0)
            return err_set_errno(err, ERR_STOP, errno, "%s", scan->path);
        scan->result->bytes = offset + (uint64_t)got;
        if (got == 0)
            return true;
        for (size_t at = 0; at < (size_t)got;) {
            const char *start = scan->block + at, *newline = memchr(start, '\n', (size_t)got - at);
            size_t len = newline != NULL ? (size_t)(newline - start) : (size_t)got - at;
            if (!backup_line_feed(&scan->line, start, len, offset + at, err))
                return false;
            at += len + (newline != NULL);
            scan->row.end = offset + at;
            if (newline != NULL && !finish_row(scan, err))
                return false;
        }
        offset += (uint64_t)got;
    }
}

bool backup_scan(int fd, const char *path, bool chunks, BackupScanFn fn, void *ctx, ScanResult *out, Err *err)
{
    Scan scan = {.fd = fd, .path = path, .chunks = chunks, .fn = fn, .ctx = ctx, .row = {.fd = fd, .path = path}, .result = out};
    *out = (ScanResult){0};
    scan.block = malloc(BLOCK_BYTES);
    if (scan.block == NULL)
        return err_no_memory(err);
    bool ok = read_header(&scan, err) && (out->header != BACKUP_HEADER_OURS || scan_rows(&scan, err));
    backup_line_free(&scan.line);
    free(scan.block);
    return ok;
}

/* --- a finished file --------------------------------------------------------------------------------------------------------- */

bool backup_bad_row(const char *path, uint64_t number, const char *what, Err *err)
{
    err_set(err, ERR_STOP, "%s: row %llu: %s", path, (unsigned long long)number, what);
    return err_hint(err, "the backup was torn or edited; nothing of this row was restored");
}

typedef struct Strict {
    BackupScanFn fn;
    void *ctx;
    bool chunks;
    ScanResult result;
} Strict;

static bool check_header(const Strict *strict, const char *path, Err *err)
{
    if (strict->result.header == BACKUP_HEADER_OURS && strict->result.mode == BACKUP_FULL)
        return true;
    return backup_bad_row(
        path, 1, strict->chunks ? "the columns are not those of chunks" : "the columns are not those of a full backup", err);
}

static bool refuse_faults(void *ctx, const ScannedRow *row, Err *err)
{
    const Strict *strict = ctx;
    if (!check_header(strict, row->path, err))
        return false;
    return row->fault == NULL ? strict->fn(strict->ctx, row, err) : backup_bad_row(row->path, row->number, row->fault, err);
}

/* Also of a file without rows. */
static bool check_whole(const Strict *strict, const char *path, Err *err)
{
    const ScanResult *result = &strict->result;
    return check_header(strict, path, err) &&
           (result->whole_bytes == result->bytes || backup_bad_row(path, result->rows + 1, "the last line is torn", err));
}

bool backup_scan_finished(const char *folder, const char *name, bool chunks, BackupScanFn fn, void *ctx, Err *err)
{
    Strict strict = {.fn = fn, .ctx = ctx, .chunks = chunks};
    char *path = fs_join(folder, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDONLY, err);
    bool ok =
        fd >= 0 && backup_scan(fd, path, chunks, refuse_faults, &strict, &strict.result, err) && check_whole(&strict, path, err);
    if (fd >= 0)
        close(fd);
    free(path);
    return ok;
}
