/* csvfile.h: CSV as PostgreSQL's COPY reads it, through libcsv: text is always quoted, an unquoted empty field is NULL. */
#ifndef PORT_CSVFILE_H
#define PORT_CSVFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends one quoted field (quotes inside are doubled), without a comma. */
bool csvfile_field(Buf *line, const char *text, size_t len, Err *err);

/* One row. fields[i] is NUL-terminated, NULL for an unquoted empty field; all are borrowed until the call returns. row counts from
 * 1 and the header is row 1. Return false with *err filled to stop. */
typedef bool (*CsvRowFn)(void *ctx, uint64_t row, char *const *fields, const size_t *lengths, size_t count, Err *err);

/* Reads a whole file from a descriptor (from its current offset), a pipe too; a signal ends a wait with ERR_INTERRUPTED. A field
 * over max_field_bytes, a quote that never closes or a stray quote is an error (ERR_STOP) that names `label` and the row. A last
 * line without a newline is still a row; *ended_with_newline (may be NULL) tells; it is false for an empty file. Empty lines are no
 * rows, a byte order mark is skipped. Memory: about twice the longest row. */
bool csvfile_read(int fd, const char *label, size_t max_field_bytes, CsvRowFn fn, void *ctx, bool *ended_with_newline, Err *err);

/* The library behind this and its version. */
void csvfile_library(char *out, size_t cap);

#endif
