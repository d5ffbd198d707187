/* get_many.h: `get --all DIR` and `get GLOB DIR`: many stored models below one folder. */
#ifndef CMD_GET_MANY_H
#define CMD_GET_MANY_H

#include "commands.h"

/* Does the command line ask for many models? */
bool get_many_is_wanted(const Options *options);

/* ERR_USAGE: the folder is missing. */
bool get_many_options(const Options *options, Err *err);

/* Each model below DIR under the path that its source had, else its name. What is there with the same content is passed over, so
 * that a run that was cut off can be repeated; one that cannot be fetched is named, and costs only itself (exit code 3). */
bool get_many(CommandContext *context, Err *err);

/* The path of a row below a folder: that of its source, else its name; "" when neither may be used (a component is hidden, `.` or
 * `..`). In the arena. NULL: no memory. */
const char *get_many_path(const StoredModel *row, Arena *arena, Err *err);

/* Opens the folder that `path` goes into, below the open directory `root`, and makes what is missing of it. No symlink is followed.
 * -1 and ERR_SKIP. */
int get_many_folder(int root, const char *path, Err *err);

#endif
