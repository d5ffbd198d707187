#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format.h"
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
    {BACKUP_HEADER_FULL, false, BACKUP_FULL, 18, 4},
    {BACKUP_HEADER_META, false, BACKUP_META, 17, BACKUP_NO_PAYLOAD},
    {BACKUP_HEADER_FULL_1, false, BACKUP_FULL, 17, 4},
    {BACKUP_HEADER_META_1, false, BACKUP_META, 16, BACKUP_NO_PAYLOAD},
    {BACKUP_HEADER_CHUNKS, true, BACKUP_FULL, 5, 2},
};

bool backup_read_columns(int fd, const char *path, bool chunks, BackupColumns *out, Err *err)
{
    char head[512];
    ssize_t got = fs_read_at(fd, head, sizeof head, 0);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    *out = (BackupColumns){.header = BACKUP_HEADER_UNKNOWN};
    for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++) {
        const KnownHeader *known = &known_headers[i];
        size_t len = strlen(known->text);
        size_t common = (size_t)got < len ? (size_t)got : len;
        if (known->chunks != chunks || memcmp(head, known->text, common) != 0)
            continue;
        *out = (BackupColumns){.header = common == len ? BACKUP_HEADER_OURS : BACKUP_HEADER_TORN,
                               .mode = known->mode,
                               .header_bytes = len,
                               .columns = known->columns,
                               .payload_column = known->payload_column};
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
    if (!backup_parse_row(fields, line->fields, &out->row))
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
static bool finish_row(BackupScan *scan, Err *err)
{
    const char *fields[BACKUP_FIELDS_MAX];
    bool whole;
    if (!backup_line_end(&scan->line, fields, &whole, err))
        return false;
    ScannedRow *row = &scan->row;
    row->start = scan->whole_bytes;
    row->end = scan->whole_bytes = scan->bytes - (scan->block_len - scan->block_at);
    row->number++;
    row->fault = !whole ? NOT_A_ROW : (scan->chunks ? fault_of_piece : fault_of_row)(&scan->line, fields, row);
    return true;
}

static bool read_block(BackupScan *scan, Err *err)
{
    ssize_t got = fs_read_at(scan->fd, scan->block, BLOCK_BYTES, scan->bytes);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", scan->path);
    scan->block_at = 0;
    scan->block_len = (size_t)got;
    scan->bytes += (uint64_t)got;
    return true;
}

bool backup_scan_open(BackupScan *out, const char *folder, const char *name, bool chunks, Err *err)
{
    *out = (BackupScan){.fd = -1, .chunks = chunks, .path = fs_join(folder, name), .block = malloc(BLOCK_BYTES)};
    if (out->path == NULL || out->block == NULL)
        return err_no_memory(err);
    out->fd = backup_open_existing(out->path, O_RDONLY, err);
    if (out->fd < 0 || !backup_read_columns(out->fd, out->path, chunks, &out->columns, err))
        return false;
    out->line.columns = out->columns.columns;
    out->line.payload_column = out->columns.payload_column;
    out->row.number = out->columns.header == BACKUP_HEADER_OURS;
    out->bytes = out->whole_bytes = out->columns.header_bytes;
    return true;
}

bool backup_scan_next(BackupScan *scan, const ScannedRow **row, Err *err)
{
    *row = NULL;
    if (scan->columns.header != BACKUP_HEADER_OURS)
        return true;
    backup_line_begin(&scan->line);
    for (;;) {
        if (scan->block_at == scan->block_len && !read_block(scan, err))
            return false;
        if (scan->block_len == 0)
            return true;
        const char *start = scan->block + scan->block_at;
        uint64_t offset = scan->bytes - (scan->block_len - scan->block_at);
        const char *newline = memchr(start, '\n', scan->block_len - scan->block_at);
        size_t len = newline != NULL ? (size_t)(newline - start) : scan->block_len - scan->block_at;
        if (!backup_line_feed(&scan->line, start, len, offset, err))
            return false;
        scan->block_at += len + (newline != NULL);
        if (newline == NULL)
            continue;
        if (!finish_row(scan, err))
            return false;
        *row = &scan->row;
        return true;
    }
}

void backup_scan_close(BackupScan *scan)
{
    if (scan->path != NULL && scan->fd >= 0)
        close(scan->fd);
    backup_line_free(&scan->line);
    free(scan->block);
    free(scan->path);
    *scan = (BackupScan){.fd = -1};
}

bool backup_bad_row(const char *path, uint64_t number, const char *what, Err *err)
{
    err_set(err, ERR_STOP, "%s: row %llu: %s", path, (unsigned long long)number, what);
    return err_hint(err, "the backup was torn or edited; nothing of this row was restored");
}
