/* parts.h: how the files of this folder divide the audit. audit.c reads the sources and puts the parts in order; rows.c holds what
 * the store lists; pair.c finds for each source the row that it stands for; prove.c asks whether a payload is what its row says;
 * item.c makes and counts the lines. Private to flow/audit. */
#ifndef FLOW_AUDIT_PARTS_H
#define FLOW_AUDIT_PARTS_H

#include "flow/audit.h"
#include "flow/odd.h"

typedef struct Row {
    StoredModel model;     /* its strings are in the arena of the rows */
    bool claimed;          /* a source stands for it */
    bool has_source;       /* not "only in the store": a source without a version has its name, or one that could not be read has
                            * its key */
    bool is_filled;        /* it has no digests of its own; those in `model` were worked out just now */
    int32_t live_version;  /* of its name: the highest that is active, which readers get; VERSION_AUTO: none is */
    const OddRow *hidden_by; /* readers of its name get this row instead of any version; NULL = none */
    bool content_recorded; /* content_sha256 is there, stored_sha256 is not: nothing was worked out from the payload */
} Row;

/* In the order of names and versions. */
typedef struct Rows {
    Row *items;
    size_t count, cap;
    Row **by_path; /* the same by source_path; NULL until it is wanted */
    OddRows odd;  /* what is not among them */
    StrMap runs_here; /* with AuditSettings.here: the runs from there; keys in the arena */
    char store[STORE_IDENTITY_SIZE];
    Arena arena;
} Rows;

/* --- item.c */

AuditItem *audit_add(Audit *audit, Err *err); /* NULL without memory */

/* Sets letter and reason (copied). */
bool audit_reason(Audit *audit, AuditItem *item, AuditLetter letter, const char *text, Err *err);
void audit_count(Audit *audit);

/* --- rows.c */

/* Every row. The store works out the digests that are not recorded, of names that the tree has. for_removal: warns of tables that
 * were not looked at. */
bool rows_list(Retry *retry, const ModelList *models, bool for_removal, Rows *out, Err *err);
void rows_free(Rows *rows);
size_t rows_first(const Rows *rows, const char *name); /* the first row of a name, or where it would be */
/* Has a row of the name this content? */
bool rows_hold(const Rows *rows, const char *name, const Content *content);
Content row_content(const StoredModel *row); /* borrows */

/* Every row whose name or source is below this folder gets has_source. */
bool rows_shadow_folder(Rows *rows, const char *path, Err *err);
Row *rows_find(Rows *rows, const char *name, int32_t version); /* NULL: not there */

/* --- unmarked.c: adds to the list the folders that the store has as models and that no rule takes for one. */

bool audit_add_unmarked(const AuditSettings *settings, const Rows *rows, const SourceTree *tree, ModelList *models, Err *err);

/* --- pair.c: a line for each source, then for each row that no source stands for. */

/* By --include and --exclude. */
bool audit_is_selected(const ScanRules *rules, const StoredModel *row);

bool audit_pair(const AuditSettings *settings, Audit *audit, const NameMap *map, ModelList *models, Err *err);

/* --- prove.c */

/* The server's hash of the payloads, and with `download` the payloads themselves. */
bool audit_prove(const AuditSettings *settings, Audit *audit, const ModelList *models, Err *err);

/* --- removable.c: sets stays and note of the items that may go. */

bool audit_look_at_removable(Audit *audit, const SourceTree *tree, Err *err);

#endif
