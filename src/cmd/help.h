/* help.h: what the program says of itself. Follows from the tables of commands and options. */
#ifndef CMD_HELP_H
#define CMD_HELP_H

#include <stdio.h>

#include "commands.h"

/* --help: of the command that was named, of a group, or of the program. */
void help_print(FILE *out, const CommandChoice *choice);

/* --help-markdown: the table of options for docs/options.md. */
void help_print_markdown(FILE *out);

#endif
