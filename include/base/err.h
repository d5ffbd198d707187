/* err.h: the one error type.
 *
 * A function that can fail returns bool and takes an `Err *` as its last argument. The one who fails fills it; the caller passes it
 * up, perhaps with a prefix. Only commands and the report sink print. On success the Err is untouched. An Err lives on its owner's
 * stack, owns nothing and may be copied by assignment. One thread at a time. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/* What the caller should do. `err_exit_code` and docs/exit-codes.md follow this list. */
typedef enum ErrClass {
    ERR_NONE = 0,
    ERR_SKIP,        /* this model cannot be stored; go on with the others */
    ERR_CONFLICT,    /* another writer has one of the keys: ask the store, then requeue */
    ERR_RETRY,       /* transient: reconnect with backoff, ask the store, requeue */
    ERR_READ_ONLY,   /* the store takes no writes: a standby, or a role that may only read */
    ERR_UNREACHABLE, /* the store stayed away after all retries */
    ERR_STOP,        /* nothing can go on: no disk, no memory, no privilege */
    ERR_USAGE,       /* the command line or the environment is wrong */
    ERR_SCHEMA,      /* the tables are missing or not at head */
    ERR_LOCKED,      /* another run holds the lock */
    ERR_INTERRUPTED, /* a signal asked to end */
    ERR_BUG          /* a state that the program believes impossible */
} ErrClass;

/* What a user of the program can do about an error, where that has the name of an option or a command: whoever runs the command
 * line knows those (cmd/remedy.c), nobody below does. */
typedef enum ErrRemedy {
    REMEDY_NONE = 0,
    REMEDY_LESS_MEMORY,    /* fewer workers, or less memory for each */
    REMEDY_FEWER_SESSIONS, /* fewer workers */
    REMEDY_SMALLER_BATCH,  /* fewer bytes in a transaction */
    REMEDY_LOWER_INLINE,   /* fewer workers, or smaller payloads inside rows */
    REMEDY_UPGRADE,        /* bring the schema to head */
    REMEDY_STATE_DIR,      /* another folder for the state */
    REMEDY_BACKUP_DIR,     /* another folder for the backups */
    REMEDY_REPLACE,        /* allow that the destination is replaced */
    REMEDY_EXCLUDE,        /* leave the source out */
    REMEDY_NEW_PLAN,       /* make a new plan of the clean-up */
    REMEDY_TRASH,          /* another folder for the trash */
    REMEDY_MERGE,          /* merge the heads of a folder of revisions, or take all of them */
    REMEDY_ALLOW_NONE,     /* allow that a name has no live version */
    REMEDY_COUNT
} ErrRemedy;

typedef struct Err {
    ErrClass cls;
    ErrRemedy remedy;
    int errnum;       /* errno, 0 if none */
    char code[6];     /* what the store calls it (an SQLSTATE), for people only; "" = none */
    char text[1024];  /* what happened, to which model; printable, one line */
    char hint[512];   /* what to do, or "" */
} Err;

/* Fills *err (NULL is allowed) and returns false, so that `return err_set(...)` reads well. Control bytes in the text are escaped.
 */
bool err_set(Err *err, ErrClass cls, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same with `: strerror(errnum)` behind the text. ENOSPC, EDQUOT, ENOMEM, EMFILE and ENFILE turn ERR_SKIP into ERR_STOP:
 * they are never one model's fault. */
bool err_set_errno(Err *err, ErrClass cls, int errnum, const char *format, ...) __attribute__((format(printf, 4, 5)));

bool err_no_memory(Err *err);

/* Sets the hint of an error that is already filled; returns false. */
bool err_hint(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the remedy of an error that is already filled, behind its hint; returns false. */
bool err_remedy(Err *err, ErrRemedy remedy);

/* Puts `prefix: ` before the text of an error that is already filled; returns false. */
bool err_prefix(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Exit code of the program for a class: 0 none, 1 stop or bug, 2 usage, 3 skip or conflict, 5 unreachable, 10 schema, 11 locked.
 * ERR_INTERRUPTED has none of its own (128 + signal): the caller knows the signal. */
int err_exit_code(ErrClass cls);

/* Short name for logs: "skip", "retry", … */
const char *err_class_name(ErrClass cls);

#endif
