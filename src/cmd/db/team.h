/* team.h: what the commands share that work with a folder of revisions (--migrations). */
#ifndef CMD_DB_TEAM_H
#define CMD_DB_TEAM_H

#include "../command.h"
#include "report/revision_lines.h"
#include "schema/revisions.h"

/* The folder that the options name, for the kind of database that they name. Free with revisions_free. */
bool team_load(const CommandContext *context, Revisions *out, Err *err);

/* What is printed of a revision. *down gets the ids that it follows and is freed by the caller. */
bool team_line(const Revisions *set, uint32_t index, Buf *down, RevisionLine *out, Err *err);

#endif
