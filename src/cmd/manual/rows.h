/* rows.h: what the manual and the completions ask of a row of the tables. */
#ifndef CMD_MANUAL_ROWS_H
#define CMD_MANUAL_ROWS_H

#include <stdio.h>

#include "../commands.h"
#include "../option_table.h"

typedef enum ValueKind {
    VALUE_NONE,   /* a flag */
    VALUE_CHOICE, /* one of OptionSpec.choices */
    VALUE_FOLDER,
    VALUE_FILE,   /* or an address of a database */
    VALUE_TEXT    /* what only the user knows */
} ValueKind;

ValueKind rows_value_kind(const OptionSpec *spec);

/* A CMD_BIT for each command that takes the option. */
CommandBits rows_commands(const OptionSpec *spec);

/* The help of an option as one clause, without its further explanations. Returns `out`. */
const char *rows_short_help(char out[160], const OptionSpec *spec);

/* Is this the first command of its group (or a command of one word)? The length of its first word. */
bool rows_leads_group(unsigned index, int *length);

/* What stands behind a command's words is a folder. */
bool rows_takes_folder(const Command *command);

/* `text` with `escape` before each character of `special`. */
void rows_print_escaped(FILE *out, const char *text, const char *special, const char *escape);

/* The patterns of a case over "$command $word" that finds the command of a line: ' run'|' check', or with `second` 'db upgrade'. */
void rows_print_words(FILE *out, bool second, const char *separator);

#endif
