/* manual.h: the manual page and the completions of three shells, which `make install` puts into their places. All of them follow
 * from the tables of commands and options: a new row is in each of them at once. */
#ifndef CMD_MANUAL_H
#define CMD_MANUAL_H

#include <stdio.h>

/* --help-man: migrate_models_to_db(1) in mdoc(7). */
void manual_page(FILE *out);

/* --help-bash, --help-zsh, --help-fish: what completes commands, options and their values, folders and files. */
void manual_bash(FILE *out);
void manual_zsh(FILE *out);
void manual_fish(FILE *out);

#endif
