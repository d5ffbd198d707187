/* journal_format.h: one record of the journal as a line of text, and back. Private to journal*.c; the format is in docs/formats.md.
 */
#ifndef STATE_JOURNAL_FORMAT_H
#define STATE_JOURNAL_FORMAT_H

#include "base/program.h"
#include "state/journal.h"

#define JOURNAL_NAME PROGRAM_NAME " journal "
#define JOURNAL_HEADER JOURNAL_NAME "1\n"
#define JOURNAL_HEADER_LEN (sizeof JOURNAL_HEADER - 1)
#define JOURNAL_LINE_MAX ((size_t)64 * 1024) /* with its newline */

/* Appends the line of `record`. A line over JOURNAL_LINE_MAX is left out, *written tells. ERR_STOP when memory ends. */
bool journal_format_line(Buf *out, const JournalRecord *record, bool *written, Err *err);

/* `line` has `len` bytes without the newline, and one more byte that may be overwritten. On true the strings of *out point into it;
 * false: damaged. The line is changed in any case. */
bool journal_parse_line(char *line, size_t len, JournalRecord *out);

#endif
