/* apply.h: `db upgrade` and `db downgrade` of a folder of revisions. */
#ifndef CMD_DB_APPLY_H
#define CMD_DB_APPLY_H

#include "../command.h"

bool team_upgrade(CommandContext *context, Err *err);

/* `db current` of a folder of revisions. */
bool team_current(CommandContext *context, Err *err);

#endif
