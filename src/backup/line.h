/* line.h: one line of CSV that comes in pieces of any length, cut into fields. Private to backup/. One thread.
 * It takes what row.c writes, where no field holds a newline. The payload may be of any length: only the place where it
 * stands is kept. */
#ifndef BACKUP_LINE_H
#define BACKUP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define BACKUP_FIELDS_MAX 17 /* of a line, besides the payload */
#define BACKUP_NO_PAYLOAD SIZE_MAX

typedef enum FieldState { FIELD_START, FIELD_PLAIN, FIELD_QUOTED, FIELD_QUOTE_SEEN } FieldState;

/* Zero-initialise; free with backup_line_free. */
typedef struct BackupLine {
    size_t columns, payload_column; /* set before backup_line_begin; BACKUP_NO_PAYLOAD: all are text */
    /* of the line in hand */
    bool bad; /* it is not CSV, or its text is longer than any that was written */
    FieldState state;
    size_t column, fields;
    size_t starts[BACKUP_FIELDS_MAX]; /* in text, each NUL-terminated */
    bool nulls[BACKUP_FIELDS_MAX];
    Buf text;
    uint64_t payload_offset, payload_chars; /* in the file, without quotes */
    char payload_head[2];
} BackupLine;

void backup_line_begin(BackupLine *line);

/* The next piece, without the newline; offset: where it stands in the file. False: no memory. */
bool backup_line_feed(BackupLine *line, const char *data, size_t len, uint64_t offset, Err *err);

/* At the newline. fields: all but the payload, NULL for an unquoted empty one, borrowed until the next begin. *whole: the line had
 * all its columns; else fields is not filled. */
bool backup_line_end(BackupLine *line, const char *fields[BACKUP_FIELDS_MAX], bool *whole, Err *err);

void backup_line_free(BackupLine *line);

#endif
