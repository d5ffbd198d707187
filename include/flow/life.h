/* life.h: commands that change what is live, and what they must know for it. */
#ifndef FLOW_LIFE_H
#define FLOW_LIFE_H

#include "flow/retry.h"
#include "model/life.h"
#include "report/lines_life.h"

/* What a reference means behind its name: NAME (= NAME@live), NAME@3, NAME@latest, NAME@ALIAS. */
typedef enum LifePick { LIFE_PICK_LIVE, LIFE_PICK_LATEST, LIFE_PICK_NUMBER, LIFE_PICK_ALIAS } LifePick;

typedef struct LifeRef {
    char name[1024];
    LifePick pick;
    int32_t version;
    char alias[64];
} LifeRef;

/* Reads a reference, in an open transaction. When what follows the last @ is neither a number, `latest` nor `live`, a model whose
 * whole name is the text wins over an alias. ERR_USAGE: it names nothing. */
bool life_parse(Store *store, const char *text, LifeRef *out, Err *err);

/* All that the store knows of a name, in an open transaction; `name` is borrowed. No rows: it is not stored. */
bool life_load(Store *store, const char *name, Life *out, Err *err);

/* The version that the reference means. ERR_STOP with the versions that are there. */
bool life_pick(const Life *life, const LifeRef *ref, int32_t *version, Err *err);

typedef enum LifeAction { LIFE_ACTIVATE, LIFE_DEACTIVATE, LIFE_ROLLBACK, LIFE_RELEASE, LIFE_ALIAS, LIFE_UNALIAS } LifeAction;

typedef struct LifeSettings {
    Retry *retry;
    Store **store; /* the session; may become another one */
    LifeAction action;
    const char *const *refs; /* for rollback, release and unalias names; all or none of them are changed */
    size_t ref_count;
    const char *alias;   /* of LIFE_ALIAS and LIFE_UNALIAS */
    const char *if_live; /* activate: ERR_CONFLICT when another version is live; NULL = whatever is */
    const char *actor, *reason; /* reason: NULL = none is given */
    bool dry_run;
    bool allow_none; /* deactivate: a name may be left without a live version */
    bool no_hold;    /* rollback: later versions go live as ever */
} LifeSettings;

typedef bool (*LifeChangeFn)(void *ctx, const LifeChange *change, Err *err);

/* Everything in one transaction: the names are locked, looked at, decided and written, with a line of the record for each that
 * changes; a lost answer to COMMIT is asked for. fn is called once all is committed (dry run: decided), for each name in the order
 * of bytes. ERR_STOP: unknown, or it would leave a name without a live version. */
bool life_change(const LifeSettings *settings, LifeChangeFn fn, void *ctx, LifeResult *out, Err *err);

#endif
