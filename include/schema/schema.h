/* schema.h: brings the tables of a store to what this program needs.
 *
 * A revision is a file NNNN_slug.sql: comment lines `-- revision: 0001` and `-- down_revision: none` at its head, perhaps one
 * `-- earlier: SHA-256,…` with those of earlier texts whose result is the same; then a line `-- upgrade` with the way up behind it,
 * then a line `-- downgrade` with the way back. The program's own are embedded; the store records which were applied, with the
 * SHA-256 of the file. One thread. */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "base/buf.h"
#include "store/store.h"

typedef enum SchemaKind {
    SCHEMA_ABSENT,  /* no revision is applied; a table made by hand may be there (has_models) */
    SCHEMA_BEHIND,  /* some are */
    SCHEMA_HEAD,
    SCHEMA_UNKNOWN  /* a revision is applied that this program does not know: a newer program was here */
} SchemaKind;

typedef struct SchemaState {
    SchemaKind kind;
    bool has_models;
    char current[64]; /* the revision applied last, "" when none is */
    size_t pending;   /* revisions to apply */
} SchemaState;

typedef struct SchemaRevision {
    const char *id, *down_id, *slug; /* "0001", NULL for the first, "models" */
    const char *checksum;            /* SHA-256 of the file, hex */
    const char *earlier;             /* those of earlier texts, between commas, "" = none */
    const char *upgrade, *downgrade; /* SQL scripts */
    unsigned first_line;             /* of `upgrade` in the file */
} SchemaRevision;

/* The revisions of a dialect, first to last, as one chain. Zero-initialise. */
typedef struct SchemaRevisions {
    SchemaRevision *items;
    size_t count;
    Arena arena;
} SchemaRevisions;

/* One file; the strings of *out live in `arena`. ERR_STOP: not in the format. */
bool schema_parse(const char *file, const char *text, const char *checksum, Arena *arena, SchemaRevision *out, Err *err);

/* The embedded revisions. ERR_BUG when they are no chain. */
bool schema_revisions(const char *dialect, SchemaRevisions *out, Err *err);
void schema_revisions_free(SchemaRevisions *revisions);

/* ERR_SCHEMA when an applied revision is not the one that this program has under that number (its checksum differs). */
bool schema_state(Store *store, SchemaState *out, Err *err);

/* ERR_SCHEMA unless the store is at head; the hint is the command to run, without a password. */
bool schema_require_head(Store *store, const StoreTarget *target, Err *err);

/* The same; but with `upgrade`, or in a store that is a file with nothing in it yet, what is missing is applied. */
bool schema_make_ready(Store *store, const StoreTarget *target, bool upgrade, Err *err);

/* Called after each revision is applied. */
typedef bool (*SchemaAppliedFn)(void *ctx, const SchemaRevision *revision, Err *err);

/* Applies what is missing, each revision in a transaction of its own. Safe beside other processes that do the same. fn may be NULL.
 */
bool schema_upgrade(Store *store, SchemaAppliedFn fn, void *ctx, Err *err);

#endif
