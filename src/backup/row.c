#include "row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "port/csvfile.h"

#define PIECE_BYTES ((size_t)256 * 1024)

static bool is_plain(const char *text)
{
    size_t len = strlen(text);
    return text_utf8_valid(text, len) && !text_has_control(text, len);
}

/* No field ever holds a newline, so that a line is a row: backup_scan needs it, and a line of `\.` would end psql's load. */
bool backup_row_check(const StoredModel *row, Err *err)
{
    if (!is_plain(row->name) || !is_plain(row->model_type) || !is_plain(row->event) || !is_plain(row->run_id))
        return err_set(err, ERR_SKIP, "%s: control characters or bytes that are not UTF-8 cannot be stored", row->name);
    return true;
}

static bool add_field(Buf *line, const char *text, Err *err)
{
    return csvfile_field(line, text, strlen(text), err) && buf_append(line, ",", 1, err);
}

/* A path is told to people only: what is not plain is escaped. */
static bool add_escaped(Buf *line, const char *text, Err *err)
{
    char escaped[16384];
    if (text == NULL || text[0] == '\0')
        return buf_append(line, ",", 1, err);
    if (is_plain(text))
        return add_field(line, text, err);
    text_escape(escaped, sizeof escaped, text, strlen(text));
    return add_field(line, escaped, err);
}

static bool add_digest(Buf *line, const Digest *digest, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(digest, hex);
    return buf_format(line, err, "\"\\x%s\",", hex);
}

static bool add_time(Buf *line, int64_t real_ns, Err *err)
{
    int64_t micros = real_ns / 1000 - (real_ns % 1000 < 0);
    int64_t fraction = micros % 1000000;
    if (fraction < 0)
        fraction += 1000000;
    time_t seconds = (time_t)((micros - fraction) / 1000000);
    struct tm utc = {0};
    if (gmtime_r(&seconds, &utc) == NULL)
        return err_set(err, ERR_BUG, "no date for %" PRId64 " ns", real_ns);
    return buf_format(line, err, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00\",", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                      utc.tm_hour, utc.tm_min, utc.tm_sec, (int)fraction);
}

static bool make_front(Buf *line, const StoredModel *row, Err *err)
{
    return add_field(line, row->name, err) && buf_format(line, err, "%" PRId32 ",", row->version) &&
           add_field(line, row->model_type, err) && add_field(line, row->event, err);
}

static bool make_back(Buf *line, const StoredModel *row, Err *err)
{
    return buf_text(line, row->is_active ? "t," : "f,", err) && add_digest(line, &row->content, err) &&
           buf_format(line, err, "%" PRIu64 ",", row->raw_bytes) && add_digest(line, &row->stored, err) &&
           buf_format(line, err, "%" PRIu64 ",\"%s\",\"%s\",%" PRIu32 ",", row->stored_bytes, stored_model_format(row),
                      row->is_gzip ? "gzip" : "identity", row->chunk_count) &&
           (row->has_members ? add_digest(line, &row->members, err) : buf_text(line, ",", err)) &&
           add_escaped(line, row->source_host, err) && add_escaped(line, row->source_path, err) &&
           add_time(line, row->source_mtime_ns, err) && csvfile_field(line, row->run_id, strlen(row->run_id), err) &&
           buf_append(line, "\n", 1, err);
}

/* `"\x…"` from the payload's bytes [offset, offset + want); the payload is never whole in memory here. The bytes go into `sha` too,
 * unless it is NULL. */
static bool write_payload(BackupFile *file, Spool *payload, uint64_t offset, uint64_t want, Sha256 *sha, Buf *scratch, Err *err)
{
    buf_clear(scratch);
    if (!buf_reserve(scratch, PIECE_BYTES, err) || !backup_file_text(file, "\"\\x", 3, err))
        return false;
    while (want > 0) {
        const void *data;
        ptrdiff_t got = spool_view(payload, offset, want < PIECE_BYTES ? (size_t)want : PIECE_BYTES, scratch->data, &data, err);
        if (got == 0)
            return err_set(err, ERR_BUG, "a payload ends at byte %" PRIu64 " of %" PRIu64, offset, payload->bytes);
        if (got < 0 || (sha != NULL && !sha256_add(sha, data, (size_t)got, err)) || !backup_file_hex(file, data, (size_t)got, err))
            return false;
        offset += (uint64_t)got;
        want -= (uint64_t)got;
    }
    return backup_file_text(file, "\"", 1, err);
}

static bool write_chunk(BackupFile *chunks, const StoredModel *row, Spool *payload, uint32_t seq, Sha256 *sha, Buf *scratch,
                        Err *err)
{
    uint64_t offset = seq * STORE_CHUNK_BYTES;
    uint64_t left = offset < row->stored_bytes ? row->stored_bytes - offset : 0;
    char tail[128], hex[2 * DIGEST_BYTES + 1];
    Digest digest;
    buf_clear(scratch);
    if (!sha256_reset(sha, err) || !add_field(scratch, row->name, err) || !buf_format(scratch, err, "%" PRId32 ",", row->version) ||
        !backup_file_text(chunks, scratch->data, scratch->len, err) ||
        !write_payload(chunks, payload, offset, left < STORE_CHUNK_BYTES ? left : STORE_CHUNK_BYTES, sha, scratch, err) ||
        !sha256_end(sha, &digest, err))
        return false;
    digest_hex(&digest, hex);
    int len = snprintf(tail, sizeof tail, ",%" PRIu32 ",\"\\x%s\"\n", seq, hex);
    if (!backup_file_text(chunks, tail, (size_t)len, err))
        return false;
    chunks->rows++;
    return true;
}

static bool write_chunks(BackupFile *chunks, const StoredModel *row, Spool *payload, Buf *scratch, Err *err)
{
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL;
    for (uint32_t seq = 0; ok && seq < row->chunk_count; seq++)
        ok = write_chunk(chunks, row, payload, seq, sha, scratch, err);
    sha256_free(sha);
    return ok;
}

bool backup_row_write(BackupFile *rows, BackupFile *chunks, const StoredModel *row, Spool *payload, bool with_payload, Buf *scratch,
                      Err *err)
{
    bool chunked = row->chunk_count > 0;
    if (with_payload &&
        (payload->bytes != row->stored_bytes || (chunked && row->chunk_count * STORE_CHUNK_BYTES < row->stored_bytes)))
        return err_set(err, ERR_BUG, "%s: the payload has %" PRIu64 " bytes, the row says %" PRIu64 " in %" PRIu32 " chunks",
                       row->name, payload->bytes, row->stored_bytes, row->chunk_count);
    if (with_payload && chunked && !write_chunks(chunks, row, payload, scratch, err))
        return false;
    buf_clear(scratch);
    if (!make_front(scratch, row, err) || !backup_file_text(rows, scratch->data, scratch->len, err))
        return false;
    /* The table wants a value: a chunked payload leaves it empty. */
    if (with_payload &&
        (!write_payload(rows, payload, 0, chunked ? 0 : row->stored_bytes, NULL, scratch, err) ||
         !backup_file_text(rows, ",", 1, err)))
        return false;
    buf_clear(scratch);
    if (!make_back(scratch, row, err) || !backup_file_text(rows, scratch->data, scratch->len, err))
        return false;
    rows->rows++;
    return true;
}
