#include "port/csvfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/interrupt.h"
#include "base/userfile.h"

#define READ_BYTES ((size_t)256 * 1024)
#define GROW_BYTES ((size_t)16 * 1024) /* libcsv grows a field by a constant; its default of 128 bytes is slow for a long one */

bool csvfile_field(Buf *line, const char *text, size_t len, Err *err)
{
    if (text == NULL)
        text = "";
    size_t size = csv_write2(NULL, 0, text, len, CSV_QUOTE);
    if (!buf_reserve(line, size, err))
        return false;
    csv_write2(line->data + line->len, size, text, len, CSV_QUOTE);
    line->len += size;
    return true;
}

typedef struct Field {
    size_t offset, length; /* in Reader.text */
    bool is_null;
} Field;

typedef struct Reader {
    const char *label;
    size_t max_field_bytes;
    CsvRowFn fn;
    void *ctx;
    Err *err;
    uint64_t row;  /* complete rows so far */
    Buf text;      /* the fields of this row, each with a NUL behind it */
    Buf fields;    /* Field[] */
    Buf pointers;  /* char *[], for the callback */
    Buf lengths;   /* size_t[], for the callback */
    bool failed;   /* *err is filled; libcsv cannot be stopped inside a piece, so the rest of it is ignored */
} Reader;

static bool fail_at_row(Reader *reader, const char *what)
{
    reader->failed = true;
    return err_set(reader->err, ERR_STOP, "%s: row %llu: %s", reader->label, (unsigned long long)reader->row + 1, what);
}

static void on_field(void *data, size_t len, void *ctx)
{
    Reader *reader = ctx;
    Field field = {.offset = reader->text.len, .length = len, .is_null = data == NULL};
    if (reader->failed)
        return;
    if (len > reader->max_field_bytes) {
        fail_at_row(reader, "a field is too long");
        return;
    }
    reader->failed = !buf_append(&reader->text, data, len, reader->err) || !buf_append(&reader->text, "", 1, reader->err) ||
                     !buf_append(&reader->fields, &field, sizeof field, reader->err);
}

static bool collect_row(Reader *reader, size_t count)
{
    buf_clear(&reader->pointers);
    buf_clear(&reader->lengths);
    for (size_t i = 0; i < count; i++) {
        Field field;
        memcpy(&field, reader->fields.data + i * sizeof field, sizeof field);
        char *text = field.is_null ? NULL : reader->text.data + field.offset;
        if (!buf_append(&reader->pointers, &text, sizeof text, reader->err) ||
            !buf_append(&reader->lengths, &field.length, sizeof field.length, reader->err))
            return false;
    }
    return true;
}

static void on_row(int end, void *ctx)
{
    Reader *reader = ctx;
    (void)end;
    if (reader->failed)
        return;
    size_t count = reader->fields.len / sizeof(Field);
    /* malloc's alignment serves both arrays. */
    reader->failed =
        !collect_row(reader, count) || !reader->fn(reader->ctx, reader->row + 1, (char *const *)(void *)reader->pointers.data,
                                                   (const size_t *)(void *)reader->lengths.data, count, reader->err);
    reader->row++;
    buf_clear(&reader->text);
    buf_clear(&reader->fields);
}

static bool parse_failed(Reader *reader, int status)
{
    if (reader->failed)
        return false;
    if (status == CSV_EPARSE)
        return fail_at_row(reader, "not CSV: a stray quote, or one that never closes");
    reader->failed = true;
    return err_no_memory(reader->err);
}

static bool parse(Reader *reader, struct csv_parser *parser, const char *data, size_t len)
{
    if (csv_parse(parser, data, len, on_field, on_row, reader) != len)
        return parse_failed(reader, csv_error(parser));
    /* An unfinished field must not grow on; one byte more, because libcsv keeps a closing quote that may be half of a pair. */
    if (!reader->failed && parser->entry_pos > reader->max_field_bytes && parser->entry_pos - 1 > reader->max_field_bytes)
        return fail_at_row(reader, "a field is too long");
    return !reader->failed;
}

static bool read_all(Reader *reader, struct csv_parser *parser, int fd, char *piece, bool *ended_with_newline)
{
    bool newline = false;
    for (bool first = true;; first = false) {
        ssize_t got = userfile_read(fd, piece, READ_BYTES);
        int why = errno;
        if (got < 0)
            return interrupt_check(reader->err) && err_set_errno(reader->err, ERR_STOP, why, "%s", reader->label);
        if (got == 0)
            break;
        size_t skip = first && got >= 3 && memcmp(piece, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        if (!parse(reader, parser, piece + skip, (size_t)got - skip))
            return false;
        newline = piece[got - 1] == '\n' || piece[got - 1] == '\r';
    }
    if (csv_fini(parser, on_field, on_row, reader) != 0)
        return parse_failed(reader, csv_error(parser));
    if (!reader->failed && ended_with_newline != NULL)
        *ended_with_newline = newline;
    return !reader->failed;
}

/* libcsv would strip blanks around a field; PostgreSQL keeps them. */
static int no_space(unsigned char c)
{
    (void)c;
    return 0;
}

bool csvfile_read(int fd, const char *label, size_t max_field_bytes, CsvRowFn fn, void *ctx, bool *ended_with_newline, Err *err)
{
    Reader reader = {.label = label, .max_field_bytes = max_field_bytes, .fn = fn, .ctx = ctx, .err = err};
    struct csv_parser parser;
    char *piece = malloc(READ_BYTES);
    if (piece == NULL || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL | CSV_EMPTY_IS_NULL) != 0) {
        free(piece);
        return err_no_memory(err);
    }
    csv_set_blk_size(&parser, GROW_BYTES);
    csv_set_space_func(&parser, no_space);
    bool ok = read_all(&reader, &parser, fd, piece, ended_with_newline);
    csv_free(&parser);
    free(piece);
    buf_free(&reader.text);
    buf_free(&reader.fields);
    buf_free(&reader.pointers);
    buf_free(&reader.lengths);
    return ok;
}

void csvfile_library(char *out, size_t cap)
{
    snprintf(out, cap, "libcsv %d.%d.%d", CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
}
