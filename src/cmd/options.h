/* options.h: every option of the program, in one table that drives parsing, the environment, --help and docs/options.md.
 *
 * Order of precedence: command line, then MIGRATE_MODELS_<NAME>, then the default in the table. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/vec.h"

/* A command is one bit, so that a row of the table says where its option applies. */
typedef enum CommandBit {
    CMD_RUN = 1u << 0,
    CMD_DB = 1u << 1,
    CMD_CHECK = 1u << 2,
    CMD_CLEANUP = 1u << 3,
    CMD_GET = 1u << 4,
    CMD_RESTORE = 1u << 5
} CommandBit;
#define CMD_ALL (~0u)
#define CMD_TREE (CMD_RUN | CMD_CHECK | CMD_CLEANUP) /* those that look at a MODELS_DIR */
#define CMD_STATE (CMD_RUN | CMD_CLEANUP | CMD_RESTORE) /* those that keep a lock and a journal */

/* Strings that add up; `items` is NULL-terminated, the strings are borrowed from argv, the environment or the arena of the Options.
 */
typedef struct StringList {
    const char **items;
    size_t count, cap;
    bool from_environment; /* what the command line gives replaces it */
} StringList;

typedef struct Options {
    const char *dbname;   /* NULL: not named with -d */
    int64_t jobs;         /* 0 = by the number of CPUs */
    bool dry_run, json, upgrade, no_activate, follow_links, checksum, help, version;
    bool quiet;
    int64_t verbose;      /* how often -v was given */
    const char *state_dir, *backup_dir, *map;
    int64_t backup;       /* BackupMode */
    int64_t on_change;    /* OnChange */
    int64_t level;        /* --compress: 1..9, 0 = none */
    StringList include, exclude, pattern, dir_pattern;
    int64_t batch_rows, retries;
    uint64_t batch_bytes, max_memory, inline_limit;
    double wait, timeout, lock_timeout, connect_timeout;
    bool download, one_way, yes, force, verify_stored;
    const char *sample, *report, *plan, *apply, *trash;

    StringList arguments; /* what is no option */
    VEC(char *) owned;    /* copies made while parsing */
} Options;

/* Parses argv[1..] for a command. A database address with a password is wiped from argv. ERR_USAGE names the option and what it
 * wants. */
bool options_parse(int argc, char **argv, unsigned command, Options *out, Err *err);
void options_free(Options *options);

/* The options of a command, as --help prints them; and the same as a Markdown table for docs/options.md. */
void options_print_help(FILE *out, unsigned command);
void options_print_markdown(FILE *out);

#endif
