/* revisions.h: the revisions of a team's folder, as files and as a graph. No database.
 *
 * A revision is a plain script of SQL with comment lines at its head: `-- revision: 20241127_000001`,
 * `-- down_revision: 20241126_000001`, `-- message: add file_path to documents`. The way back is a block comment at the end of the
 * file, from a line with its opening mark and the word downgrade to its closing mark: so the shells of the database run the file as
 * it is, and only the way up. docs/schema.md shows one.
 *
 * Errors in a file or of the graph are ERR_SCHEMA, with the file and the line. One thread. */
#ifndef SCHEMA_REVISIONS_H
#define SCHEMA_REVISIONS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sql_text.h"
#include "base/strmap.h"

#define REVISION_ID_MAX 32 /* characters, of the column that other programs made */
#define REVISION_CHECKSUM 68

/* `none`, one, or several with commas. */
typedef struct RevisionNames {
    const char **items;
    size_t count, cap;
} RevisionNames;

typedef struct Revision {
    const char *file; /* its path, for people */
    const char *id, *slug, *message;
    RevisionNames parents, depends, labels;
    const char *irreversible; /* why there is no way back; NULL: not said */
    bool no_transaction;      /* its statements cannot run in a transaction */
    bool draft;               /* nobody has looked at it yet */
    bool is_recorded;         /* in no file: a database recorded how to undo it */
    const char *text;         /* the whole file, NUL behind it */
    size_t upgrade_len;       /* of the text: what stands before the way back */
    size_t downgrade_at, downgrade_len;
    bool has_downgrade;                /* it may be empty: nothing to undo */
    char checksum[REVISION_CHECKSUM];  /* "t1:" and the SHA-256 of the tokens of the upgrade, in hex */
    const uint32_t *before;            /* the parents, and what it depends on: indexes of Revisions */
    size_t before_count;
} Revision;

/* A revision stands behind all that it follows; ties by the name of the file. Zero-initialise. */
typedef struct Revisions {
    Revision *items;
    size_t count, cap;
    const char *folder;
    const SqlRules *rules;
    StrMap by_id;
    Arena arena;
    struct RevisionIndexes *indexes;
} Revisions;

/* One file; the strings of *out live in the set's arena. */
bool revision_parse(Revisions *set, const char *file, const char *text, size_t len, Revision *out, Err *err);

/* FOLDER/(name).sql, and FOLDER/DIALECT/(name).sql, which adds revisions or replaces the one of the same id. The whole graph is
 * checked: an id that is there twice, a parent that is in no file, a circle. ERR_USAGE: there is no such folder. */
bool revisions_load(const char *folder, const char *dialect, const SqlRules *rules, Revisions *out, Err *err);
void revisions_free(Revisions *set);

/* --- the graph --------------------------------------------------------------------------------------------------------------- */

/* A set of revisions: one bool for each, calloc'd. NULL and *err when memory ends. */
bool *revisions_none(const Revisions *set, Err *err);

#define REVISION_NONE UINT32_MAX

/* By its id or the beginning of it. REVISION_NONE and ERR_SCHEMA when it is no revision, or the beginning of several. */
uint32_t revisions_find(const Revisions *set, const char *word, Err *err);
uint32_t revisions_exact(const Revisions *set, const char *id); /* REVISION_NONE: there is none */

void revisions_add_before(const Revisions *set, bool *chosen);  /* … all that the chosen ones stand on */
void revisions_add_after(const Revisions *set, bool *chosen);   /* … all that stands on them */
bool revisions_is_parent(const Revisions *set, uint32_t index); /* of any revision */
size_t revisions_children(const Revisions *set, uint32_t index); /* how many have it as a parent */

/* Of a set that holds with each revision all before it: those that none of the set follows. */
bool revisions_is_head(const Revisions *set, const bool *chosen, uint32_t index);

/* The ids of the heads of the folder with commas: "aa02, bb02". */
bool revisions_heads_text(const Revisions *set, Buf *out, Err *err);

/* --- targets ----------------------------------------------------------------------------------------------------------------- */

/* One revision: an id or its beginning, head, ID+N, ID-N, LABEL@head. *out REVISION_NONE: so many steps lead before the first
 * one. */
bool revisions_one(const Revisions *set, const char *word, uint32_t *out, Err *err);

/* What `target` names: head, heads, base, current, an id or its beginning, ID+N, ID-N, +N, -N, LABEL@head. Adds it to *chosen,
 * with all before it; base is nothing. applied: with all before them, NULL = no database was asked. ERR_SCHEMA: two heads, no such
 * revision, not so many; ERR_USAGE where the words need a database. */
bool revisions_target(const Revisions *set, const bool *applied, const char *target, bool *chosen, Err *err);

/* Which revisions a downgrade to `target` undoes: all that stand on it, and nothing else; -N: so many steps. */
bool revisions_undone(const Revisions *set, const bool *applied, const char *target, bool *chosen, Err *err);

/* --- new files --------------------------------------------------------------------------------------------------------------- */

typedef struct NewRevision {
    const char *id;      /* NULL: one in the style of the newest file */
    const char *message;
    const char *const *parents, *const *depends; /* ids; end with NULL */
    bool is_merge;                               /* nothing to do, up and back */
} NewRevision;

/* Writes FOLDER/ID_slug.sql, which must not be there, in one step; *path: malloc'd. ERR_USAGE: the id
 * is taken, or no id. */
bool revision_write(const Revisions *set, const NewRevision *revision, char **path, Err *err);

/* *made: there was none. ERR_STOP. */
bool revisions_make_folder(const char *folder, bool *made, Err *err);

#endif
