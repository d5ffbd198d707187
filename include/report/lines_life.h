/* lines_life.h: what the commands about versions print: ls, info, history, and those that change what is live. As lines.h. */
#ifndef REPORT_LINES_LIFE_H
#define REPORT_LINES_LIFE_H

#include "model/life.h"
#include "report/lines.h"

/* What became of a name. */
typedef struct LifeChange {
    const char *action; /* as in the record of changes */
    const char *name;
    int32_t version;            /* what the reference means, or where it went back to */
    int32_t was_live, now_live; /* LIFE_NONE = none */
    bool changed;
    bool is_held;      /* afterwards */
    const char *alias; /* of an alias, else NULL; was_alias: the version that it named before */
    int32_t was_alias;
} LifeChange;

typedef struct LifeResult {
    uint64_t changed, unchanged;
    char change_id[37]; /* "" when nothing was to be changed */
} LifeResult;

bool lines_life_change(const Lines *lines, const LifeChange *change, Err *err);
bool lines_life_summary(const Lines *lines, const LifeResult *result, bool dry_run, Err *err); /* JSON only */

/* One version in a list. marks: the aliases of this version, joined by a comma. */
typedef struct LifeListed {
    const StoredModel *row;
    bool is_live, is_held;
    size_t versions; /* of the name */
    const char *marks;
} LifeListed;

typedef struct LifeTotals {
    uint64_t names, versions; /* that were listed */
    uint64_t raw_bytes, stored_bytes;
} LifeTotals;

bool lines_life_listed(const Lines *lines, const LifeListed *listed, Err *err);
bool lines_life_totals(const Lines *lines, const LifeTotals *totals, Err *err);

/* Everything about one version but its payload, and what was done with the name last. */
bool lines_life_info(const Lines *lines, const LifeListed *listed, const Life *life, Err *err);

/* A line of the history of a name. */
bool lines_life_history(const Lines *lines, const char *name, const LifeEvent *event, Err *err);
bool lines_life_history_end(const Lines *lines, uint64_t count, Err *err); /* JSON only */

#endif
