/* options.h: every option of the program, in one table that drives parsing, the environment, --help and docs/options.md.
 *
 * Order of precedence: command line, then MIGRATE_MODELS_<NAME>, then the default in the table. */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

/* The rows of commands.c, in the order of --help. In the option table a command is one bit. */
typedef enum CommandId {
    COMMAND_RUN,
    COMMAND_CHECK,
    COMMAND_CLEANUP,
    COMMAND_GET,
    COMMAND_RESTORE,
    COMMAND_COPY,
    COMMAND_LS,
    COMMAND_INFO,
    COMMAND_HISTORY,
    COMMAND_ACTIVATE,
    COMMAND_DEACTIVATE,
    COMMAND_ROLLBACK,
    COMMAND_RELEASE,
    COMMAND_ALIAS,
    COMMAND_DB_UPGRADE,
    COMMAND_DB_CURRENT,
    COMMAND_DB_DOWNGRADE,
    COMMAND_DB_CHECK,
    COMMAND_DB_STAMP,
    COMMAND_DB_REPAIR,
    COMMAND_DB_HEADS,
    COMMAND_DB_HISTORY,
    COMMAND_DB_SHOW,
    COMMAND_DB_INIT,
    COMMAND_DB_REVISION,
    COMMAND_DB_MERGE,
    COMMAND_COUNT
} CommandId;
#define CMD_BIT(id) (UINT64_C(1) << (id)) /* in a CommandBits */
typedef uint64_t CommandBits;
#define CMD_ALL (CMD_BIT(COMMAND_COUNT) - 1)
#define CMD_TREE (CMD_BIT(COMMAND_RUN) | CMD_BIT(COMMAND_CHECK) | CMD_BIT(COMMAND_CLEANUP))    /* those that look at a MODELS_DIR */
#define CMD_WRITE (CMD_BIT(COMMAND_RUN) | CMD_BIT(COMMAND_RESTORE) | CMD_BIT(COMMAND_COPY))    /* those that store payloads */
/* Those that write revisions. */
#define CMD_FILES (CMD_BIT(COMMAND_DB_INIT) | CMD_BIT(COMMAND_DB_REVISION) | CMD_BIT(COMMAND_DB_MERGE)) 
/* Those of a folder of revisions. */
#define CMD_FOLDER (CMD_FILES | CMD_BIT(COMMAND_DB_HEADS) | CMD_BIT(COMMAND_DB_HISTORY) | CMD_BIT(COMMAND_DB_SHOW))
/* Those that bring a database to a revision, or say where it is. */
#define CMD_APPLY (CMD_BIT(COMMAND_DB_UPGRADE) | CMD_BIT(COMMAND_DB_DOWNGRADE))
#define CMD_DATABASE \
    (CMD_APPLY | CMD_BIT(COMMAND_DB_CURRENT) | CMD_BIT(COMMAND_DB_CHECK) | CMD_BIT(COMMAND_DB_STAMP) | CMD_BIT(COMMAND_DB_REPAIR))
/* those that change what is live */
#define CMD_LIFE \
    (CMD_BIT(COMMAND_ACTIVATE) | CMD_BIT(COMMAND_DEACTIVATE) | CMD_BIT(COMMAND_ROLLBACK) | CMD_BIT(COMMAND_RELEASE) | \
     CMD_BIT(COMMAND_ALIAS))
#define CMD_STATE (CMD_WRITE | CMD_BIT(COMMAND_CLEANUP))                                        /* those with a state folder */

/* Strings that accumulate; `items` is NULL-terminated, the strings are borrowed from argv, the environment or Options.owned. */
typedef struct StringList {
    const char **items;
    size_t count, cap;
    bool from_environment; /* what the command line gives replaces it */
} StringList;

/* An option of the command line, as it was given. */
typedef struct GivenOption {
    const struct OptionSpec *spec;
    const char *value; /* NULL for a flag */
} GivenOption;

typedef struct Options {
    const char *dbname;   /* NULL: not named with -d */
    const char *from, *to;
    int64_t jobs;         /* 0 = by the number of CPUs */
    bool dry_run, json, upgrade, no_activate, follow_links, checksum, help, version;
    bool quiet;
    int64_t verbose;      /* how often -v was given */
    const char *state_dir, *backup_dir, *map;
    int64_t backup;       /* BackupMode */
    int64_t on_return;    /* 0 = activate, 1 = note */
    int64_t on_change;    /* OnChange */
    int64_t payload;      /* PayloadForm */
    int64_t level;        /* --compress: 1..9, 0 = none */
    StringList include, exclude, pattern, dir_pattern;
    int64_t preset;       /* 0 = none, else a row of pattern_presets */
    size_t patterns_asked; /* so many of the patterns, from the first, were given by hand */
    bool hidden, all;
    int64_t batch_rows, retries;
    uint64_t batch_bytes, max_memory, inline_limit;
    double min_age, stats, wait, timeout, lock_timeout, connect_timeout;
    bool download, one_way, here, yes, force, verify_stored, live_only, activate;
    const char *sample, *report, *plan, *apply, *trash, *into;
    const char *migrations, *message, *rev_id, *head;
    StringList depends_on;
    bool purge;
    const char *reason, *if_live, *type, *event, *run;
    bool allow_none, no_hold, remove, only_active, only_inactive;

    StringList arguments; /* what is no option */
    VEC(GivenOption) given; /* in the order of the command line */
    VEC(char *) owned;    /* copies made while parsing */
    CommandBits taken_by;    /* after a failure: the commands that take the option, which is none of this one; else 0 */
} Options;

/* Parses argv[1..] for the commands in `bits`; the first `skip` words that are no options name the command and are left out. A
 * database address with a password is wiped from argv. ERR_USAGE names the option and what it takes. */
bool options_parse(int argc, char **argv, CommandBits bits, size_t skip, Options *out, Err *err);
void options_free(Options *options);

/* Takes `copy`, which is freed with the options; NULL = no memory. */
bool options_keep(Options *options, char *copy, Err *err);

/* Adds a borrowed string; the list stays NULL-terminated. */
bool options_list_add(StringList *list, const char *item, Err *err);

/* The next word at or after argv[*next] that is neither an option nor the value of one; *next goes behind it. NULL: none is left
 * before `--` or the end. */
const char *options_next_word(int argc, char *const *argv, int *next);

/* May this word carry a password? Then it must not be printed. */
bool options_is_address(const char *word);

#endif
