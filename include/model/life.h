/* life.h: the life of one name: which version is live, how it came to that, and what may be done. Pure: all that the store knows of
 * the name goes in, a decision comes out. Any thread.
 *
 * Live is the highest active version, for every reader. Latest is the highest version, active or not. Held: new versions of the
 * name are stored, and do not go live. Nothing here trusts the record of changes: rows that are gone, events of other programs and
 * flags that somebody changed by hand are met as they are. */
#ifndef MODEL_LIFE_H
#define MODEL_LIFE_H

#include "base/buf.h"
#include "base/vec.h"
#include "port/sha256.h"

#define LIFE_NONE (-1)
#define LIFE_HELD "held"
#define LIFE_PENDING "pending"
#define LIFE_OFF "off" /* key of an event's detail: the versions that it made inactive */

typedef struct LifeRow {
    int32_t version;
    bool active;
    bool wanted; /* by a decision: is it to be active? */
    int64_t at_us;
    const char *source_host, *source_path, *run_id; /* "" = not recorded */
    const char *model_type, *event;
    bool has_content;
    Digest content;
} LifeRow;

typedef struct LifeEvent {
    const char *action, *change_id;
    int32_t version, was_live, now_live; /* LIFE_NONE = none */
    int64_t at_us;
    const char *source_host, *source_path, *actor, *reason, *detail;
} LifeEvent;

typedef struct LifeAlias {
    const char *alias, *set_by;
    int32_t version;
} LifeAlias;

/* Zero-initialise. */
typedef struct Life {
    const char *name;
    VEC(LifeRow) rows;     /* by version, rising */
    VEC(LifeEvent) events; /* from the first to the last */
    VEC(LifeAlias) aliases;
    Arena strings;
} Life;

void life_free(Life *life);

LifeRow *life_row(const Life *life, int32_t version); /* NULL: no such row */
int32_t life_live(const Life *life);
int32_t life_latest(const Life *life);
const LifeAlias *life_alias(const Life *life, const char *alias); /* NULL: it has none of this name */
bool life_is_held(const Life *life);
bool life_alias_is_valid(const char *alias); /* [a-z][a-z0-9_-]{0,62}, no word of ours, not v and digits */

/* What `rollback` goes back to: what was live before the live one. Going back twice is two steps, never there and back.
 * *known: it follows from the record; else it is the highest active version below. LIFE_NONE: there is none. */
bool life_rollback_target(const Life *life, int32_t *target, bool *known, Err *err);

/* Decisions: each sets `wanted` of all rows. False: a version is not there. */
void life_want_as_is(Life *life);
bool life_want_live(Life *life, int32_t version);     /* that one is active, and none above it */
bool life_want_inactive(Life *life, int32_t version);
int32_t life_wanted_live(const Life *life);
bool life_is_changed(const Life *life); /* some row's flag is to change */

/* Appends the beginning of an event's detail: {"off":[2,3],"on":[1] — the brace is not closed. */
bool life_detail(const Life *life, Buf *out, Err *err);

/* Why a version must stay. */
typedef enum LifeKeep {
    LIFE_KEEP_LIVE = 1,
    LIFE_KEEP_TARGET = 2,  /* rollback would go back to it */
    LIFE_KEEP_ALIAS = 4,
    LIFE_KEEP_HELD = 8,
    LIFE_KEEP_PENDING = 16,
    LIFE_KEEP_SOURCE = 32  /* it is what some source held when it was last looked at */
} LifeKeep;

/* What the source (host, path) held by the newest record of it: a row that came from there, or a `return`. NULL: none is known. */
const LifeRow *life_of_source(const Life *life, const char *host, const char *path);

/* The mask of why this row must stay; 0 = nothing speaks against its deletion. */
bool life_keep(const Life *life, const LifeRow *row, unsigned *why, Err *err);

#endif
