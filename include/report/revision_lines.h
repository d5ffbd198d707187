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

/* "applied 0001 (models)"; in JSON the verb is the type. */
bool lines_step(const Lines *lines, const char *verb, const char *id, const char *slug, Err *err);
bool lines_nothing(const Lines *lines, bool at_head, Err *err);

/* A revision that is not as it should be: pending, edited, unknown. file "": it has none. */
bool lines_state(const Lines *lines, const char *state, const char *id, const char *message, const char *file, Err *err);

#endif
