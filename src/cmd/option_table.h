/* option_table.h: the rows of the option table. */
#ifndef CMD_OPTION_TABLE_H
#define CMD_OPTION_TABLE_H

#include "options.h"

typedef enum OptionKind {
    OPTION_FLAG,    /* bool */
    OPTION_COUNT,   /* int64_t, how often */
    OPTION_STRING,  /* const char * */
    OPTION_LIST,    /* StringList, may be repeated */
    OPTION_CHOICE,  /* int64_t, index into choices */
    OPTION_CODEC,   /* int64_t, level */
    OPTION_INT,     /* int64_t, min..max */
    OPTION_BYTES,   /* uint64_t, min..max */
    OPTION_SECONDS  /* double, min..max */
} OptionKind;

typedef struct OptionSpec {
    const char *name; /* without -- */
    char letter;      /* 0 = none */
    OptionKind kind;
    size_t offset;     /* of the field in Options */
    CommandBits commands; /* CMD_BITs of those that use it */
    const char *value_name, *default_text; /* NULL = none */
    const char *help;
    const char *brief; /* in the first --help, at most 47 columns; NULL: only under --help --all */
    const char *const *choices;
    int64_t min, max;
    bool secret;         /* may carry a password */
    bool no_environment; /* makes sense on the command line only, or has other variables */
    bool with_help;      /* beside --help every command takes it */
    bool anywhere;       /* every command takes it, so that one set of options serves several; it tells where and how, never what */
} OptionSpec;

/* The patterns of each --preset: lists that end with NULL, until a NULL list. */
extern const char *const *const pattern_presets[][3];

extern const OptionSpec option_table[]; /* ends with a NULL name */

/* The words of the kinds of database that a user needs; no other file of cmd has any. */
extern const char database_ways[]; /* how to name a database */
extern const char password_ways[]; /* where a password is better off than in -d */
extern const char copy_example[];  /* a command line */
extern const char *const overview_examples[2]; /* the first ones that a user sees */
extern const char password_places[]; /* of an address that has no variable */

#endif
