/* help.h: what the program says of itself. Follows from the tables of commands and options. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdio.h>

#include "commands.h"

/* --help: of the command that was named, of a group, or of the program. 80 columns and about 24 lines: two examples, and what
 * everybody needs (Command.is_everyday, OptionSpec.brief). all: --help --all, every command and option, the exit codes. */
void help_print(FILE *out, const CommandChoice *choice, bool all);

/* --version; libraries: with -v, a line for each library, too. */
void help_print_version(FILE *out, bool libraries);

/* --help-markdown: the table of options for docs/options.md. */
void help_print_markdown(FILE *out);

#endif
