#define _DEFAULT_SOURCE /* timegm */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backup_chunks.h"
#include "backup_format.h"
#include "backup_scan.h"
#include "base/fs.h"
#include "base/text.h"
#include "port/csvfile.h"

/* BACKUP_HEADER_FULL */
enum { NAME, VERSION, TYPE, EVENT, PAYLOAD, ACTIVE, CONTENT, RAW, STORED, STORED_BYTES, FORMAT, ENCODING, CHUNKS, HOST, PATH, MTIME, RUN_ID, COLUMNS };

#define HEX_PIECE ((size_t)64 * 1024)
#define FIELD_MAX ((size_t)(2 * STORE_INLINE_MAX + 16))

typedef struct PartReader {
    const char *file; /* path of the part */
    BackupChunks *chunks;
    Spool payload;
    BackupWantedFn wanted;
    BackupRowFn fn;
    void *ctx;
} PartReader;

bool backup_bad_row(const char *file, uint64_t row, const char *what, Err *err)
{
    err_set(err, ERR_STOP, "%s: row %llu: %s", file, (unsigned long long)row, what);
    return err_hint(err, "the backup was torn or edited; nothing of this row was restored");
}

/* 2026-03-01T12:00:00.123456+00:00, as backup_row.c writes it. */
static bool parse_time(const char *text, int64_t *out_ns)
{
    struct tm utc = {0};
    int64_t parts[7];
    static const struct {
        size_t at, len;
    } fields[7] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}, {20, 6}};
    if (strlen(text) != 32 || strcmp(text + 26, "+00:00") != 0)
        return false;
    for (size_t i = 0; i < 7; i++) {
        char number[8];
        memcpy(number, text + fields[i].at, fields[i].len);
        number[fields[i].len] = '\0';
        if (!text_parse_int(number, 0, 999999, &parts[i]))
            return false;
    }
    utc.tm_year = (int)parts[0] - 1900;
    utc.tm_mon = (int)parts[1] - 1;
    utc.tm_mday = (int)parts[2];
    utc.tm_hour = (int)parts[3];
    utc.tm_min = (int)parts[4];
    utc.tm_sec = (int)parts[5];
    int64_t micros = (int64_t)timegm(&utc) * 1000000 + parts[6];
    if (micros > INT64_MAX / 1000 || micros < INT64_MIN / 1000)
        return false;
    *out_ns = micros * 1000;
    return true;
}

bool backup_unhex_into(const char *hex, size_t len, Spool *spool, Sha256 *sha, bool *sound, Err *err)
{
    unsigned char piece[HEX_PIECE];
    *sound = len >= 2 && len % 2 == 0 && hex[0] == '\\' && hex[1] == 'x';
    for (size_t at = 2; *sound && at < len;) {
        size_t take = (len - at) / 2 < sizeof piece ? (len - at) / 2 : sizeof piece;
        *sound = text_unhex(piece, take, hex + at);
        if (*sound && (!spool_write(spool, piece, take, err) || !sha256_add(sha, piece, take, err)))
            return false;
        at += 2 * take;
    }
    return true;
}

static bool parse_digest(const char *text, Digest *out)
{
    return text_starts_with(text, "\\x") && digest_parse(text + 2, out);
}

bool backup_parse_row(char *const *fields, StoreRow *row)
{
    int64_t version, raw, stored, chunks;
    if (!text_parse_int(fields[VERSION], 0, INT32_MAX, &version) || !text_parse_int(fields[RAW], 0, INT64_MAX, &raw) ||
        !text_parse_int(fields[STORED_BYTES], 0, INT64_MAX, &stored) || !text_parse_int(fields[CHUNKS], 0, INT32_MAX, &chunks) ||
        !parse_digest(fields[CONTENT], &row->content) || !parse_digest(fields[STORED], &row->stored) || !parse_time(fields[MTIME], &row->source_mtime_ns))
        return false;
    row->name = fields[NAME];
    row->version = (int32_t)version;
    row->model_type = fields[TYPE];
    row->event = fields[EVENT];
    row->is_active = strcmp(fields[ACTIVE], "t") == 0;
    row->raw_bytes = (uint64_t)raw;
    row->stored_bytes = (uint64_t)stored;
    row->is_tar = strcmp(fields[FORMAT], "tar") == 0;
    row->is_gzip = strcmp(fields[ENCODING], "gzip") == 0;
    row->chunk_count = (uint32_t)chunks;
    row->source_host = fields[HOST];
    row->source_path = fields[PATH];
    row->run_id = fields[RUN_ID];
    return true;
}

/* host and path may be NULL in the table; the rest never is. */
static bool has_all(char *const *fields)
{
    for (int i = 0; i < COLUMNS; i++)
        if (fields[i] == NULL && i != HOST && i != PATH)
            return false;
    return true;
}

static bool load_payload(PartReader *reader, const StoreRow *row, const char *hex, size_t len, bool *sound, Err *err)
{
    Digest digest;
    Sha256 *sha = sha256_new(err);
    spool_reset(&reader->payload);
    bool ok = sha != NULL && (row->chunk_count > 0 ? backup_chunks_join(reader->chunks, row, &reader->payload, sha, sound, err)
                                                   : backup_unhex_into(hex, len, &reader->payload, sha, sound, err));
    ok = ok && sha256_end(sha, &digest, err);
    if (ok)
        *sound = *sound && (row->chunk_count == 0 || strcmp(hex, "\\x") == 0) && reader->payload.bytes == row->stored_bytes && digest_equal(&digest, &row->stored);
    sha256_free(sha);
    return ok;
}

static bool take_row(void *ctx, uint64_t number, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    PartReader *reader = ctx;
    StoreRow row = {.payload = &reader->payload};
    bool sound = false, wanted = true;
    if (number == 1) /* the MANIFEST has vouched for the file; this is about another version of the format */
        return count == COLUMNS || backup_bad_row(reader->file, number, "the columns are not those of a full backup", err);
    if (count != COLUMNS || !has_all(fields) || !backup_parse_row(fields, &row))
        return backup_bad_row(reader->file, number, "not a whole row", err);
    if (reader->wanted != NULL && !reader->wanted(reader->ctx, row.name, row.version, &row.content, &wanted, err))
        return false;
    if (!wanted)
        return true;
    if (!load_payload(reader, &row, fields[PAYLOAD], lengths[PAYLOAD], &sound, err))
        return false;
    if (!sound)
        return backup_bad_row(reader->file, number, "the payload is not the one of stored_sha256", err);
    return reader->fn(reader->ctx, &row, err);
}

bool backup_read_csv(const char *folder, const char *name, size_t field_max, const char **file, CsvRowFn fn, void *ctx, Err *err)
{
    bool whole = false;
    char *path = fs_join(folder, name);
    if (path == NULL)
        return err_no_memory(err);
    int fd = backup_open_existing(path, O_RDONLY, err);
    *file = path;
    bool ok = fd >= 0 && csvfile_read(fd, path, field_max, fn, ctx, &whole, err);
    if (ok && !whole)
        ok = err_set(err, ERR_STOP, "%s: its last line is torn", path);
    if (fd >= 0)
        close(fd);
    *file = NULL;
    free(path);
    return ok;
}

bool backup_read_rows(const char *folder, const BackupManifest *manifest, const char *temp_dir, size_t memory_limit, BackupWantedFn wanted,
                      BackupRowFn fn, void *ctx, Err *err)
{
    PartReader reader = {.wanted = wanted, .fn = fn, .ctx = ctx};
    bool ok = true, is_chunks;
    if (manifest->mode != BACKUP_FULL) {
        err_set(err, ERR_STOP, "%s: this backup has no payloads (--backup meta)", folder);
        return err_hint(err, "only a full backup can be restored");
    }
    reader.chunks = backup_chunks_new(temp_dir, memory_limit, err);
    spool_init(&reader.payload, memory_limit, temp_dir);
    ok = reader.chunks != NULL;
    for (size_t i = 0; ok && i < manifest->count; i++)
        if (backup_is_file_name(manifest->files[i].name, &is_chunks) && is_chunks)
            ok = backup_chunks_read(reader.chunks, folder, manifest->files[i].name, err);
    for (size_t i = 0; ok && i < manifest->count; i++)
        if (backup_is_file_name(manifest->files[i].name, &is_chunks) && !is_chunks)
            ok = backup_read_csv(folder, manifest->files[i].name, FIELD_MAX, &reader.file, take_row, &reader, err);
    spool_free(&reader.payload);
    backup_chunks_free(reader.chunks);
    return ok;
}
