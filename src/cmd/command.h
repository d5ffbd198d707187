/* command.h: the commands of the program, one row each. A command prints its answer on stdout and returns the exit code. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "options.h"
#include "flow/retry.h"
#include "source/scan.h"

typedef struct Command {
    const char *name;
    unsigned bit;
    const char *arguments; /* for the usage line */
    const char *summary;
    int (*main)(const Options *options);
} Command;

extern const Command commands[]; /* ends with a NULL name */

int cmd_run(const Options *options);
int cmd_db(const Options *options);
int cmd_check(const Options *options);
int cmd_cleanup(const Options *options);
int cmd_get(const Options *options);
int cmd_restore(const Options *options);

/* The store of a command, and the patience that the options ask for. */
Retry command_retry(const Options *options, const StoreTarget *target);

/* Connects once to see that the schema is at head. ERR_SCHEMA, or why there is no connection. */
bool command_require_schema(Retry *retry, Err *err);

/* This machine's name. */
const char *command_host(void);

/* What was printed on stdout has arrived; main asks at the end of every command. ERR_STOP. */
bool command_flush(Err *err);

#define EXIT_DIFFERENCES 4 /* check: tree and store differ */

/* Prints the error with its hint on stderr and returns its exit code. */
int command_fail(const Err *err);

/* Is standard output itself the file that an option names? Then nothing else may be printed there. NULL: no. */
bool command_answers_in(const char *path);

/* ERR_USAGE when --json wants the standard output that `option` names too. */
bool command_check_output(const Options *options, const char *option, const char *path, Err *err);

/* What the options say of MODELS_DIR: its path, the rules of the scan, the number of workers. */
bool command_models_dir(const Options *options, const char **out, Err *err);
ScanRules command_scan_rules(const Options *options);
unsigned command_jobs(const Options *options);

/* The store that -d, the environment or libpq's own variables name. ERR_USAGE with the ways to name one. */
bool command_target(const Options *options, StoreTarget **out, Err *err);

#endif
