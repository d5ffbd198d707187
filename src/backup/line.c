#include "line.h"

#include <string.h>

#define TEXT_MAX ((size_t)256 * 1024)

void backup_line_begin(BackupLine *line)
{
    line->bad = false;
    line->state = FIELD_START;
    line->column = line->fields = 0;
    line->starts[0] = 0;
    line->payload_offset = line->payload_chars = 0;
    buf_clear(&line->text);
}

void backup_line_free(BackupLine *line)
{
    buf_free(&line->text);
}

static bool in_payload(const BackupLine *line)
{
    return line->column == line->payload_column;
}

static void add_payload(BackupLine *line, const char *data, size_t len, uint64_t offset)
{
    if (line->payload_chars == 0)
        line->payload_offset = offset;
    for (size_t i = 0; i < len && line->payload_chars + i < sizeof line->payload_head; i++)
        line->payload_head[line->payload_chars + i] = data[i];
    line->payload_chars += len;
}

static bool add_text(BackupLine *line, const char *data, size_t len, Err *err)
{
    if (line->text.len + len > TEXT_MAX || memchr(data, '\0', len) != NULL) {
        line->bad = true;
        return true;
    }
    return buf_append(&line->text, data, len, err);
}

/* A quote inside a payload cannot be: its digits must stand side by side. */
static bool add_quote(BackupLine *line, Err *err)
{
    line->state = FIELD_QUOTED;
    line->bad |= in_payload(line);
    return line->bad || add_text(line, "\"", 1, err);
}

/* An unquoted or quoted run of bytes; `stop` ended it, or is NULL at the end of the piece. */
static bool add_run(BackupLine *line, const char *data, size_t len, const char *stop, uint64_t offset, Err *err)
{
    bool quoted = line->state == FIELD_QUOTED;
    if (quoted)
        line->state = stop != NULL ? FIELD_QUOTE_SEEN : FIELD_QUOTED;
    else
        line->state = FIELD_PLAIN;
    if (!quoted && (memchr(data, '"', len) != NULL || memchr(data, '\r', len) != NULL)) {
        line->bad = true;
        return true;
    }
    if (!in_payload(line))
        return add_text(line, data, len, err);
    add_payload(line, data, len, offset);
    return true;
}

static bool end_field(BackupLine *line, Err *err)
{
    bool is_null = line->state == FIELD_START;
    line->state = FIELD_START;
    if (in_payload(line))
        return true;
    if (line->fields == BACKUP_FIELDS_MAX) {
        line->bad = true;
        return true;
    }
    line->nulls[line->fields++] = is_null;
    return buf_append(&line->text, "", 1, err);
}

static bool next_field(BackupLine *line, Err *err)
{
    if (!end_field(line, err))
        return false;
    line->column++;
    if (line->fields < BACKUP_FIELDS_MAX)
        line->starts[line->fields] = line->text.len;
    return true;
}

/* After the first fault the rest of the line is passed over. */
bool backup_line_feed(BackupLine *line, const char *data, size_t len, uint64_t offset, Err *err)
{
    for (const char *at = data, *end = data + len; at < end && !line->bad;) {
        bool quoted = line->state == FIELD_QUOTED;
        if (line->state == FIELD_START && *at == '"') {
            line->state = FIELD_QUOTED;
            at++;
        } else if (line->state == FIELD_QUOTE_SEEN && *at == '"') {
            if (!add_quote(line, err))
                return false;
            at++;
        } else if (!quoted && *at == ',') {
            if (!next_field(line, err))
                return false;
            at++;
        } else if (line->state == FIELD_QUOTE_SEEN) {
            line->bad = true;
        } else {
            const char *stop = memchr(at, quoted ? '"' : ',', (size_t)(end - at));
            size_t take = (size_t)((stop != NULL ? stop : end) - at);
            if (!add_run(line, at, take, stop, offset + (uint64_t)(at - data), err))
                return false;
            at += take + (quoted && stop != NULL);
        }
    }
    return true;
}

bool backup_line_end(BackupLine *line, const char *fields[BACKUP_FIELDS_MAX], bool *whole, Err *err)
{
    *whole = false;
    if (line->bad || line->state == FIELD_QUOTED || line->column + 1 != line->columns)
        return true;
    if (!end_field(line, err))
        return false;
    *whole = !line->bad;
    for (size_t i = 0; i < line->fields; i++)
        fields[i] = line->nulls[i] ? NULL : line->text.data + line->starts[i];
    return true;
}
