/* command.h: the commands of the program, one row each. A command prints its answer on stdout and returns the exit code. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "cmd/options.h"
#include "port/store.h"

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

/* Prints the error with its hint on stderr and returns its exit code. */
int command_fail(const Err *err);

/* The store that -d, the environment or libpq's own variables name. ERR_USAGE with the ways to name one. */
bool command_target(const Options *options, StoreTarget **out, Err *err);

#endif
