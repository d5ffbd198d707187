#define _DEFAULT_SOURCE /* timegm */
#include "parse.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "base/text.h"

enum {
    NAME,
    VERSION,
    TYPE,
    EVENT,
    ACTIVE,
    CONTENT,
    RAW,
    STORED,
    STORED_BYTES,
    FORMAT,
    ENCODING,
    CHUNKS,
    MEMBERS,
    HOST,
    PATH,
    MTIME,
    RUN_ID,
    ROW_FIELDS
};
enum { PIECE_NAME, PIECE_VERSION, PIECE_SEQ, PIECE_SHA, PIECE_FIELDS };

static bool parse_digest(const char *text, Digest *out)
{
    return text_starts_with(text, "\\x") && digest_parse(text + 2, out);
}

/* One of two words. */
static bool parse_word(const char *text, const char *yes, const char *no, bool *out)
{
    *out = strcmp(text, yes) == 0;
    return *out || strcmp(text, no) == 0;
}

static bool parse_name(const char *name, const char *version, const char **out_name, int32_t *out_version)
{
    int64_t number;
    if (name[0] == '\0' || !text_parse_int(version, 0, INT32_MAX, &number))
        return false;
    *out_name = name;
    *out_version = (int32_t)number;
    return true;
}

static bool has_shape(const char *text, const char *shape)
{
    size_t i = 0;
    for (; shape[i] != '\0'; i++)
        if (shape[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    return text[i] == '\0';
}

static int number_at(const char *text, size_t at, size_t len)
{
    int number = 0;
    for (size_t i = at; i < at + len; i++)
        number = 10 * number + (text[i] - '0');
    return number;
}

/* 2026-03-01T12:00:00.123456+00:00 */
static bool parse_time(const char *text, int64_t *out_ns)
{
    if (!has_shape(text, "0000-00-00T00:00:00.000000+00:00") || strcmp(text + 26, "+00:00") != 0)
        return false;
    struct tm utc = {.tm_year = number_at(text, 0, 4) - 1900, .tm_mon = number_at(text, 5, 2) - 1, .tm_mday = number_at(text, 8, 2),
                     .tm_hour = number_at(text, 11, 2), .tm_min = number_at(text, 14, 2), .tm_sec = number_at(text, 17, 2)};
    struct tm same = utc;
    int64_t micros = (int64_t)timegm(&same) * 1000000 + number_at(text, 20, 6);
    /* No 30 February, no hour 24, no second 60: timegm carries them over. */
    if (same.tm_mon != utc.tm_mon || same.tm_hour != utc.tm_hour || same.tm_min != utc.tm_min)
        return false;
    if (micros > INT64_MAX / 1000 || micros < INT64_MIN / 1000)
        return false;
    *out_ns = micros * 1000;
    return true;
}

/* Host and path of the source and what only directories have may be NULL in the table; the rest never is. */
static bool has_all(const char *const *fields)
{
    for (int i = 0; i < ROW_FIELDS; i++)
        if (fields[i] == NULL && i != HOST && i != PATH && i != MEMBERS)
            return false;
    return true;
}

static bool parse_format(const char *text, StoredModel *row)
{
    stored_model_set_format(row, text);
    return row->has_format;
}

/* A row of version 0.1.0 as one of this version. */
static void insert_members(const char *const *from, const char **fields)
{
    memcpy(fields, from, MEMBERS * sizeof *fields);
    fields[MEMBERS] = NULL;
    memcpy(fields + MEMBERS + 1, from + MEMBERS, (ROW_FIELDS - MEMBERS - 1) * sizeof *fields);
}

bool backup_parse_row(const char *const *fields, size_t count, StoredModel *out)
{
    StoredModel row = {0};
    const char *wider[ROW_FIELDS];
    int64_t raw, stored, chunks;
    if (count == ROW_FIELDS - 1) {
        insert_members(fields, wider);
        fields = wider;
    }
    if (!has_all(fields) || !parse_name(fields[NAME], fields[VERSION], &row.name, &row.version) ||
        !parse_word(fields[ACTIVE], "t", "f", &row.is_active) || !parse_digest(fields[CONTENT], &row.content) ||
        !text_parse_int(fields[RAW], 0, INT64_MAX, &raw) || !parse_digest(fields[STORED], &row.stored) ||
        !text_parse_int(fields[STORED_BYTES], 0, INT64_MAX, &stored) || !parse_format(fields[FORMAT], &row) ||
        !parse_word(fields[ENCODING], "gzip", "identity", &row.is_gzip) || !text_parse_int(fields[CHUNKS], 0, INT32_MAX, &chunks) ||
        !parse_time(fields[MTIME], &row.source_mtime_ns) || !backup_is_run_id(fields[RUN_ID]))
        return false;
    row.has_members = fields[MEMBERS] != NULL;
    if (row.has_members && !parse_digest(fields[MEMBERS], &row.members))
        return false;
    row.model_type = fields[TYPE];
    row.event = fields[EVENT];
    row.raw_bytes = (uint64_t)raw;
    row.stored_bytes = (uint64_t)stored;
    row.chunk_count = (uint32_t)chunks;
    row.has_digests = true;
    row.source_host = fields[HOST] != NULL ? fields[HOST] : "";
    row.source_path = fields[PATH] != NULL ? fields[PATH] : "";
    row.run_id = fields[RUN_ID];
    *out = row;
    return true;
}

bool backup_parse_piece(const char *const *fields, BackupPiece *out)
{
    BackupPiece piece;
    int64_t seq;
    for (int i = 0; i < PIECE_FIELDS; i++)
        if (fields[i] == NULL)
            return false;
    if (!parse_name(fields[PIECE_NAME], fields[PIECE_VERSION], &piece.name, &piece.version) ||
        !text_parse_int(fields[PIECE_SEQ], 0, INT32_MAX, &seq) || !parse_digest(fields[PIECE_SHA], &piece.sha256))
        return false;
    piece.seq = (uint32_t)seq;
    *out = piece;
    return true;
}
