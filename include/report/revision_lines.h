/* revision_lines.h: what the commands of a folder of revisions print, as lines.h says. */
#ifndef REPORT_REVISION_LINES_H
#define REPORT_REVISION_LINES_H

#include "report/lines.h"

typedef struct RevisionLine {
    const char *id, *message, *file;
    const char *down; /* the ids that it follows, with commas; "" = none */
    bool is_head, is_branchpoint, is_mergepoint;
} RevisionLine;

bool lines_head(const Lines *lines, const RevisionLine *line, Err *err);

/* `A -> B (head), message`; its file too when verbose. */
bool lines_history(const Lines *lines, const RevisionLine *line, Err *err);

/* The whole file. */
bool lines_revision_text(const Lines *lines, const RevisionLine *line, const char *text, Err *err);

/* The path of a file that was written. */
bool lines_new_file(const Lines *lines, const char *path, Err *err);

#endif
