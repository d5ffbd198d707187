#include "backup_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backup_format.h"
#include "base/fs.h"
#include "base/text.h"

#define BLOCK_BYTES ((size_t)256 * 1024)
#define TEXT_MAX ((size_t)256 * 1024) /* all fields of a row but the payload */
#define COLUMNS_MAX 17

enum { COLUMN_NAME = 0, COLUMN_VERSION = 1, CHUNK_PAYLOAD = 2, CHUNK_SEQ = 3, CHUNK_SHA = 4, ROW_PAYLOAD = 4 };

/* Columns of `models` counted from the end, the same with and without the payload. */
enum { FROM_END_STORED_SHA = 9, FROM_END_STORED_BYTES = 8, FROM_END_CHUNK_COUNT = 5, FROM_END_HOST = 4, FROM_END_PATH = 3, FROM_END_RUN_ID = 1 };

typedef enum FieldState { FIELD_START, FIELD_PLAIN, FIELD_QUOTED, FIELD_QUOTE_SEEN } FieldState;

typedef struct Row {
    const char *run_id;
    bool chunks;
    size_t columns, payload_column; /* SIZE_MAX: none */
    /* of the row in hand */
    FieldState state;
    bool bad;
    size_t column;
    size_t starts[COLUMNS_MAX]; /* in text, NUL-terminated each */
    Buf text;
    uint64_t payload_chars; /* with the `\x` */
    char half;              /* a hex digit that waits for its second */
    Sha256 *sha;
    unsigned char *bytes; /* BLOCK_BYTES */
} Row;

static bool row_begin(Row *row, Err *err)
{
    row->state = FIELD_START;
    row->bad = false;
    row->column = 0;
    row->starts[0] = 0;
    row->payload_chars = 0;
    buf_clear(&row->text);
    return sha256_reset(row->sha, err);
}

static bool add_pairs(Row *row, const char *hex, size_t pairs, Err *err)
{
    if (!text_unhex(row->bytes, pairs, hex)) {
        row->bad = true;
        return true;
    }
    return sha256_add(row->sha, row->bytes, pairs, err);
}

/* len is at most a block. */
static bool add_payload(Row *row, const char *data, size_t len, Err *err)
{
    while (row->payload_chars < 2 && len > 0) {
        row->bad |= *data != "\\x"[row->payload_chars];
        row->payload_chars++;
        data++;
        len--;
    }
    if (len > 0 && row->payload_chars % 2 == 1) {
        char pair[2] = {row->half, *data};
        if (!add_pairs(row, pair, 1, err))
            return false;
        row->payload_chars++;
        data++;
        len--;
    }
    row->payload_chars += len;
    if (len % 2 == 1)
        row->half = data[len - 1];
    return add_pairs(row, data, len / 2, err);
}

static bool add_bytes(Row *row, const char *data, size_t len, Err *err)
{
    if (row->column == row->payload_column)
        return add_payload(row, data, len, err);
    row->bad |= len > TEXT_MAX - row->text.len || memchr(data, '\0', len) != NULL;
    return row->bad || buf_append(&row->text, data, len, err);
}

/* Unquoted and empty, which is NULL: host and path of the source. */
static bool may_be_null(const Row *row)
{
    return !row->chunks && (row->column + FROM_END_HOST == row->columns || row->column + FROM_END_PATH == row->columns);
}

static bool end_field(Row *row, Err *err)
{
    if (row->state == FIELD_START && !may_be_null(row))
        row->bad = true;
    row->state = FIELD_START;
    row->column++;
    if (row->column >= row->columns || row->text.len >= TEXT_MAX) {
        row->bad = true;
        return true;
    }
    bool ok = buf_append(&row->text, "", 1, err);
    row->starts[row->column] = row->text.len;
    return ok;
}

/* A piece of a line without its newline. After the first fault the rest of the line is passed over. */
static bool row_feed(Row *row, const char *data, size_t len, Err *err)
{
    for (const char *at = data, *end = data + len; at < end && !row->bad;) {
        size_t left = (size_t)(end - at);
        bool quoted = row->state == FIELD_QUOTED;
        if (row->state == FIELD_START && *at == '"') {
            row->state = FIELD_QUOTED;
            at++;
        } else if (row->state == FIELD_QUOTE_SEEN && *at == '"') {
            row->state = FIELD_QUOTED;
            if (!add_bytes(row, at++, 1, err))
                return false;
        } else if (!quoted && *at == ',') {
            if (!end_field(row, err))
                return false;
            at++;
        } else if (row->state == FIELD_QUOTE_SEEN) {
            row->bad = true;
        } else {
            const char *stop = memchr(at, quoted ? '"' : ',', left);
            size_t take = stop != NULL ? (size_t)(stop - at) : left;
            if (!quoted && (memchr(at, '"', take) != NULL || memchr(at, '\r', take) != NULL))
                row->bad = true;
            else if (!add_bytes(row, at, take, err))
                return false;
            at += take + (quoted && stop != NULL);
            row->state = !quoted ? FIELD_PLAIN : stop != NULL ? FIELD_QUOTE_SEEN : FIELD_QUOTED;
        }
    }
    return true;
}

static const char *text_of(const Row *row, size_t column)
{
    return row->text.data + row->starts[column];
}

static bool digest_matches(const char *text, const Digest *digest)
{
    Digest said;
    return text_starts_with(text, "\\x") && digest_parse(text + 2, &said) && digest_equal(&said, digest);
}

/* The payload is whole by the row's own account. */
static bool payload_sound(const Row *row, const Digest *digest)
{
    const char *stored_sha = text_of(row, row->columns - FROM_END_STORED_SHA);
    int64_t bytes, chunk_count;
    if (!text_parse_int(text_of(row, row->columns - FROM_END_STORED_BYTES), 0, INT64_MAX, &bytes) ||
        !text_parse_int(text_of(row, row->columns - FROM_END_CHUNK_COUNT), 0, UINT32_MAX, &chunk_count))
        return false;
    if (row->payload_column == SIZE_MAX)
        return true;
    if (row->payload_chars < 2 || row->payload_chars % 2 != 0)
        return false;
    uint64_t have = (row->payload_chars - 2) / 2;
    return chunk_count > 0 ? have == 0 : have == (uint64_t)bytes && digest_matches(stored_sha, digest);
}

/* backup_read can make a row of the fields. */
static bool fields_sound(const Row *row)
{
    char empty[1] = "", *fields[COLUMNS_MAX];
    StoreRow parsed = {0};
    bool has_payload = row->payload_column != SIZE_MAX;
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        fields[i] = i == ROW_PAYLOAD ? empty : row->text.data + row->starts[i > ROW_PAYLOAD && !has_payload ? i - 1 : i];
    return backup_parse_row(fields, &parsed);
}

/* At the newline. *sound tells whether the row can be believed. */
static bool row_end(Row *row, ScannedRow *out, bool *sound, Err *err)
{
    Digest digest;
    int64_t version, seq;
    *sound = false;
    if (row->bad || row->state == FIELD_QUOTED || row->column + 1 != row->columns)
        return true;
    if (!buf_append(&row->text, "", 1, err) || !sha256_end(row->sha, &digest, err))
        return false;
    out->name = text_of(row, COLUMN_NAME);
    if (out->name[0] == '\0' || !text_parse_int(text_of(row, COLUMN_VERSION), 0, INT32_MAX, &version))
        return true;
    out->version = (int32_t)version;
    if (row->chunks)
        *sound = row->payload_chars > 2 && row->payload_chars % 2 == 0 && text_parse_int(text_of(row, CHUNK_SEQ), 0, INT32_MAX, &seq) &&
                 digest_matches(text_of(row, CHUNK_SHA), &digest);
    else
        *sound = strcmp(text_of(row, row->columns - FROM_END_RUN_ID), row->run_id) == 0 && fields_sound(row) && payload_sound(row, &digest);
    return true;
}

typedef struct KnownHeader {
    const char *line;
    bool chunks;
    BackupMode mode;
    size_t columns, payload_column;
} KnownHeader;

static const KnownHeader known_headers[] = {
    {BACKUP_HEADER_FULL, false, BACKUP_FULL, 17, ROW_PAYLOAD},
    {BACKUP_HEADER_META, false, BACKUP_META, 16, SIZE_MAX},
    {BACKUP_HEADER_CHUNKS, true, BACKUP_FULL, 5, CHUNK_PAYLOAD},
};

static bool read_header(int fd, const char *path, Row *row, ScanResult *result, Err *err)
{
    char head[512];
    ssize_t got = fs_read_at(fd, head, sizeof head, 0);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s", path);
    result->header = BACKUP_HEADER_UNKNOWN;
    for (size_t i = 0; i < sizeof known_headers / sizeof *known_headers; i++) {
        const KnownHeader *known = &known_headers[i];
        size_t len = strlen(known->line);
        size_t common = (size_t)got < len ? (size_t)got : len;
        if (known->chunks != row->chunks || memcmp(head, known->line, common) != 0)
            continue;
        result->header = common == len ? BACKUP_HEADER_OURS : BACKUP_HEADER_TORN;
        result->mode = known->mode;
        result->header_bytes = len;
        row->columns = known->columns;
        row->payload_column = known->payload_column;
        break;
    }
    return true;
}

static bool finish_row(Row *row, ScannedRow *scanned, ScanResult *result, BackupScanFn fn, void *ctx, Err *err)
{
    bool sound;
    if (!row_end(row, scanned, &sound, err) || (sound && !fn(ctx, scanned, err)))
        return false;
    result->damaged += !sound;
    scanned->start = scanned->end;
    return row_begin(row, err);
}

static bool scan_rows(int fd, const char *path, char *block, Row *row, BackupScanFn fn, void *ctx, ScanResult *result, Err *err)
{
    ScannedRow scanned = {.start = result->header_bytes, .header_bytes = result->header_bytes};
    uint64_t offset = result->header_bytes;
    if (!row_begin(row, err))
        return false;
    for (;;) {
        ssize_t got = fs_read_at(fd, block, BLOCK_BYTES, offset);
        if (got < 0)
            return err_set_errno(err, ERR_STOP, errno, "%s", path);
        result->bytes = offset + (uint64_t)got;
        if (got == 0)
            return true;
        for (size_t at = 0; at < (size_t)got;) {
            const char *newline = memchr(block + at, '\n', (size_t)got - at);
            size_t len = newline != NULL ? (size_t)(newline - block) - at : (size_t)got - at;
            if (!row_feed(row, block + at, len, err))
                return false;
            at += len + (newline != NULL);
            scanned.end = offset + at;
            if (newline != NULL && !finish_row(row, &scanned, result, fn, ctx, err))
                return false;
        }
        offset += (uint64_t)got;
    }
}

bool backup_scan(int fd, const char *path, bool chunks, const char *run_id, BackupScanFn fn, void *ctx, ScanResult *out, Err *err)
{
    Row row = {.run_id = run_id, .chunks = chunks};
    ScanResult result = {0};
    char *block = malloc(BLOCK_BYTES);
    bool ok = false;
    row.bytes = malloc(BLOCK_BYTES);
    row.sha = sha256_new(err);
    if (row.sha == NULL)
        goto out;
    if (block == NULL || row.bytes == NULL) {
        err_no_memory(err);
        goto out;
    }
    ok = read_header(fd, path, &row, &result, err) &&
         (result.header != BACKUP_HEADER_OURS || scan_rows(fd, path, block, &row, fn, ctx, &result, err));
    if (ok)
        *out = result;
out:
    sha256_free(row.sha);
    free(row.bytes);
    free(block);
    buf_free(&row.text);
    return ok;
}
