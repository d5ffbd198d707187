/* command.h: what several commands share. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "commands.h"
#include "model/plan.h"
#include "report/lines.h"
#include "source/scan.h"

/* This machine's name. */
const char *command_host(void);

/* How this command answers on standard output. */
Lines command_lines(const CommandContext *context);

/* The same for a command that looked at a tree: with what was passed over, and how to take it. Logs the notes of the scan, and,
 * when nothing at all was taken, says so however quiet the program is. models: outlives the lines. */
Lines command_tree_lines(const CommandContext *context, const ModelList *models);

/* What was printed on stdout has arrived; main asks at the end of every command. ERR_STOP. */
bool command_flush(Err *err);

#define EXIT_DIFFERENCES 4 /* check: tree and store differ */

/* Of the program when a command ends with this error. */
int command_exit_code(const Err *err);

/* Prints the error with its hint on stderr and returns its exit code. options: NULL before they are known. */
int command_fail(const Err *err, const Options *options);

/* Is standard output itself the file that an option names? Then nothing else may be printed there. NULL: no. */
bool command_answers_in(const char *path);

/* ERR_USAGE when --json wants the standard output that `option` names too. */
bool command_check_output(const Options *options, const char *option, const char *path, Err *err);

/* What the options say of the scan, and the number of workers. */
ScanRules command_scan_rules(const Options *options);
unsigned command_jobs(const Options *options);

/* What is done with changed content: where there are no versions, nothing is as good as a new one. */
OnChange command_on_change(const Options *options);

/* The store that -d, the environment or libpq's own variables name; else the file in the working directory, with a warning that -q
 * does not silence: a crontab that lost its variable must be noticed. The commands that make stores make a file that is not there,
 * with the same warning; a dry run takes it for empty; for all others it is ERR_USAGE. */
bool command_target(const Command *command, const Options *options, StoreTarget **out, Err *err);

/* The store of --from. ERR_USAGE when it is a file that is not there. */
bool command_source(const Options *options, StoreTarget **out, Err *err);

#endif
