/* commands.h: the table of commands. Dispatch, usage lines, --help, the column "commands" of the options and their documentation
 * follow from it. To add a command: an entry of CommandId, a row in commands.c, a file. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "flow/retry.h"
#include "options.h"

struct Command;

/* What a command gets. */
typedef struct CommandContext {
    const struct Command *command;
    const Options *options;
    Retry retry;            /* the store that the options name, and the patience that they ask for */
    Store *store;           /* with NEEDS_STORE a session, for retry_step */
    const char *models_dir; /* with NEEDS_TREE */
    int exit_code;          /* of a command that returned true; 0 at first */
} CommandContext;

typedef enum CommandNeeds {
    NEEDS_TREE = 1,   /* the first argument is MODELS_DIR, or it is ./models */
    NEEDS_SCHEMA = 2, /* the schema of the store is at head */
    NEEDS_STORE = 4,  /* ... and a session with it stays open */
    MAKES_STORE = 8,  /* a store that is a file is made when it is not there */
    NEEDS_FOLDER = 16, /* a folder of revisions must be named */
    OPENS_NOTHING = 32 /* the address of a store says no more than its kind */
} CommandNeeds;

typedef struct Command {
    const char *words;     /* "check", "db upgrade" */
    const char *arguments; /* for the usage line, "" = none */
    const char *summary;     /* one line of --help: at most 68 columns */
    const char *examples[2]; /* command lines behind the program's name, 56 columns at most, that run as they are */
    bool is_everyday;        /* has a line of its own in the first --help */
    unsigned needs; /* CommandNeeds */
    size_t least, most; /* arguments */
    bool (*check)(const Options *options, Err *err); /* before anything is opened: do the options go together? NULL = yes */
    bool (*main)(CommandContext *context, Err *err); /* prints its answer on stdout */
} Command;

extern const Command commands[COMMAND_COUNT];

bool cmd_run(CommandContext *context, Err *err);
bool cmd_check(CommandContext *context, Err *err);
bool cmd_check_options(const Options *options, Err *err);
bool cmd_cleanup(CommandContext *context, Err *err);
bool cmd_cleanup_options(const Options *options, Err *err);
bool cmd_get(CommandContext *context, Err *err);
bool cmd_get_options(const Options *options, Err *err);
bool cmd_restore_options(const Options *options, Err *err);
bool cmd_restore(CommandContext *context, Err *err);
bool cmd_copy(CommandContext *context, Err *err);
bool cmd_copy_options(const Options *options, Err *err);
bool cmd_ls(CommandContext *context, Err *err);
bool cmd_ls_options(const Options *options, Err *err);
bool cmd_info(CommandContext *context, Err *err);
bool cmd_history(CommandContext *context, Err *err);
bool cmd_activate(CommandContext *context, Err *err);
bool cmd_activate_options(const Options *options, Err *err);
bool cmd_deactivate(CommandContext *context, Err *err);
bool cmd_rollback(CommandContext *context, Err *err);
bool cmd_release(CommandContext *context, Err *err);
bool cmd_alias(CommandContext *context, Err *err);
bool cmd_alias_options(const Options *options, Err *err);
bool cmd_db_upgrade(CommandContext *context, Err *err);
bool cmd_db_current(CommandContext *context, Err *err);
bool cmd_db_upgrade_options(const Options *options, Err *err);
bool cmd_db_downgrade(CommandContext *context, Err *err);
bool cmd_db_check(CommandContext *context, Err *err);
bool cmd_db_stamp(CommandContext *context, Err *err);
bool cmd_db_repair(CommandContext *context, Err *err);
bool cmd_db_heads(CommandContext *context, Err *err);
bool cmd_db_history(CommandContext *context, Err *err);
bool cmd_db_show(CommandContext *context, Err *err);
bool cmd_db_init(CommandContext *context, Err *err);
bool cmd_db_revision(CommandContext *context, Err *err);
bool cmd_db_merge(CommandContext *context, Err *err);

/* What a command line names. */
typedef struct CommandChoice {
    const Command *command; /* NULL: a group of commands (`db`) without a word that it knows */
    const char *named;      /* "check", "db"; "" when no command is named, which means run */
    const char *unknown;    /* borrowed from argv: the word that is no command of the group, or no command and no folder; or NULL */
    size_t words;           /* of the command line, before its arguments */
    CommandBits bits;          /* whose options are allowed: CMD_BIT of the command, or of the whole group */
} CommandChoice;

/* Options may stand before the command and between its words. */
CommandChoice commands_choose(int argc, char *const *argv);

/* ERR_USAGE with the nearest command, or the words of the group: for a choice that cannot be run. */
bool commands_refuse(const CommandChoice *choice, Err *err);

/* "check, cleanup", "db": the names of the commands in a mask, a group by its first word. Returns `out`. */
#define COMMANDS_NAMES_SIZE 400
const char *commands_names(char out[COMMANDS_NAMES_SIZE], CommandBits bits);

#endif
