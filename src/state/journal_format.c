#include "journal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "port/gzip.h"

#define CRC_DIGITS ((size_t)8)
#define FIELDS_AT (CRC_DIGITS + 1)

/* kind, dev, ino, size, mtime_ns, ctime_ns, read_ns, content (and members behind it), version, name, path */
#define FIELD_COUNT 11

JournalRecord journal_record_of(const Model *model, const char *path, const Stamp *stamp, int64_t read_ns)
{
    JournalRecord record = {.path = path,
                            .is_directory = model->kind == MODEL_DIRECTORY,
                            .stamp = *stamp,
                            .read_ns = read_ns,
                            .content = model->content,
                            .has_members = model->members != NULL,
                            .name = model->name,
                            .version = model->version};
    if (record.has_members)
        record.members = *model->members;
    return record;
}

static bool append_encoded(Buf *out, const char *text, Err *err)
{
    size_t len = strlen(text);
    if (len > JOURNAL_LINE_MAX)
        len = JOURNAL_LINE_MAX; /* the line is too long in any case */
    if (!buf_reserve(out, 3 * len + 1, err))
        return false;
    out->len += text_percent_encode(out->data + out->len, text, len);
    return true;
}

/* f and d: a file, a directory that is known; r: about to be removed; x: removed; s: of which store all of it is. */
static char kind_letter(const JournalRecord *record)
{
    switch (record->event) {
    case JOURNAL_REMOVING: return 'r';
    case JOURNAL_REMOVED: return 'x';
    case JOURNAL_STORE: return 's';
    case JOURNAL_KNOWN: break;
    }
    return record->is_directory ? 'd' : 'f';
}

static JournalEvent event_of(char letter)
{
    switch (letter) {
    case 'r': return JOURNAL_REMOVING;
    case 'x': return JOURNAL_REMOVED;
    case 's': return JOURNAL_STORE;
    default: return JOURNAL_KNOWN;
    }
}

bool journal_format_line(Buf *out, const JournalRecord *record, bool *written, Err *err)
{
    const Stamp *stamp = &record->stamp;
    char hex[4 * DIGEST_BYTES + 1], crc[CRC_DIGITS + 1];
    size_t start = out->len;
    digest_hex(&record->content, hex);
    if (record->has_members)
        digest_hex(&record->members, hex + 2 * DIGEST_BYTES);
    if (!buf_format(out, err,
                    "00000000 %c\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%s\t%" PRId32 "\t",
                    kind_letter(record), stamp->dev, stamp->ino, stamp->size, stamp->mtime_ns, stamp->ctime_ns, record->read_ns,
                    hex, record->version) ||
        !append_encoded(out, record->name != NULL ? record->name : "", err) || !buf_text(out, "\t", err) ||
        !append_encoded(out, record->path, err))
        return false;
    *written = out->len - start < JOURNAL_LINE_MAX;
    if (!*written) {
        out->len = start;
        return true;
    }
    snprintf(crc, sizeof crc, "%08" PRIx32, gzip_crc32(out->data + start + FIELDS_AT, out->len - start - FIELDS_AT));
    memcpy(out->data + start, crc, CRC_DIGITS);
    return buf_text(out, "\n", err);
}

static bool parse_crc(const char *text, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < CRC_DIGITS; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    *out = value;
    return true;
}

typedef struct Field {
    char *text; /* a NUL follows */
    size_t len;
} Field;

static bool parse_u64(const Field *field, uint64_t *out)
{
    uint64_t value = 0;
    if (field->len == 0)
        return false;
    for (size_t i = 0; i < field->len; i++) {
        if (field->text[i] < '0' || field->text[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(field->text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool parse_i64(const Field *field, int64_t *out)
{
    bool negative = field->len > 0 && field->text[0] == '-';
    Field digits = {field->text + negative, field->len - negative};
    uint64_t value;
    if (!parse_u64(&digits, &value) || value > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(UINT64_C(0) - value) : (int64_t)value;
    return true;
}

static bool parse_text(Field *field, const char **out)
{
    ptrdiff_t len = text_percent_decode(field->text, field->len);
    *out = field->text;
    return len >= 0;
}

static bool parse_content(Field *field, JournalRecord *out)
{
    const size_t digits = 2 * DIGEST_BYTES;
    if (field->len == 2 * digits) {
        out->has_members = text_unhex(out->members.byte, DIGEST_BYTES, field->text + digits);
        if (!out->has_members)
            return false;
        field->text[digits] = '\0';
    } else if (field->len != digits) {
        return false;
    }
    return text_unhex(out->content.byte, DIGEST_BYTES, field->text);
}

/* Cuts at the tabs; each field gets its NUL. False unless there are exactly FIELD_COUNT. */
static bool split(char *line, size_t len, Field fields[FIELD_COUNT])
{
    char *at = line, *end = line + len;
    *end = '\0';
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        char *tab = memchr(at, '\t', (size_t)(end - at));
        if ((tab == NULL) != (i + 1 == FIELD_COUNT))
            return false;
        char *stop = tab != NULL ? tab : end;
        *stop = '\0';
        fields[i] = (Field){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return true;
}

bool journal_parse_line(char *line, size_t len, JournalRecord *out)
{
    JournalRecord record = {0};
    Field fields[FIELD_COUNT];
    uint32_t crc;
    int64_t version;
    if (len <= FIELDS_AT || line[CRC_DIGITS] != ' ' || !parse_crc(line, &crc) ||
        gzip_crc32(line + FIELDS_AT, len - FIELDS_AT) != crc)
        return false;
    if (!split(line + FIELDS_AT, len - FIELDS_AT, fields))
        return false;
    if (fields[0].len != 1 || strchr("fdrxs", fields[0].text[0]) == NULL)
        return false;
    record.is_directory = fields[0].text[0] == 'd';
    record.event = event_of(fields[0].text[0]);
    if (!parse_u64(&fields[1], &record.stamp.dev) || !parse_u64(&fields[2], &record.stamp.ino) ||
        !parse_u64(&fields[3], &record.stamp.size) || !parse_i64(&fields[4], &record.stamp.mtime_ns) ||
        !parse_i64(&fields[5], &record.stamp.ctime_ns) || !parse_i64(&fields[6], &record.read_ns))
        return false;
    if (!parse_content(&fields[7], &record))
        return false;
    if (!parse_i64(&fields[8], &version) || version < INT32_MIN || version > INT32_MAX)
        return false;
    record.version = (int32_t)version;
    if (!parse_text(&fields[9], &record.name) || !parse_text(&fields[10], &record.path) || record.path[0] == '\0')
        return false;
    *out = record;
    return true;
}
