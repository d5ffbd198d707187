/* lines.h: every line that a command prints on standard output: text for people, or one JSON object a line. docs/json.md lists all
 * keys; one key means the same in every command.
 *
 * Strings are borrowed and hostile; they are escaped here. errors: ERR_STOP no memory, or the line could not be written. One
 * thread. */
#ifndef REPORT_LINES_H
#define REPORT_LINES_H

#include "model/model.h"
#include "model/name_map.h"
#include "report/inventory.h"
#include "store/stored_model.h"

/* How a command answers. */
typedef struct Lines {
    FILE *out;
    const char *command; /* "run", "db upgrade": in each summary */
    const char *store;   /* label */
    bool json;           /* quiet and verbose are for text: JSON always has every line */
    bool quiet;          /* no totals, and nothing about what is well */
    bool verbose;        /* lines for what is well, too */
    const LeftOut *left_out; /* of a command that looked at a tree, else NULL */
    char take_left_out[96];  /* how to take what was left out, "" = no way is known */
    const char *take_hidden; /* the same for what is hidden */
    const char *next_command; /* of cleanup: what executes the plan that was written; NULL = none */
    int signalled;       /* the signal that had asked to end when the answer began, 0 = none: another one ends the answer */
} Lines;

/* "*.pkl 7, *.h5 2, other 1": appended to *out. */
bool left_out_text(const LeftOut *left_out, Buf *out, Err *err);

/* --- run --------------------------------------------------------------------------------------------------------------------- */

typedef struct RunSummary {
    bool dry_run, schema_missing; /* dry run before the tables exist */
    uint64_t new_count, unchanged_count, conflict_count, failed_count, skipped_count, busy_count;
    uint64_t inactive_count;      /* of the new ones: stored, but not made live */
    uint64_t held_count;          /* the same, because their names are held */
    uint64_t returned_count;      /* not new: files went back to content that is stored, and readers with them */
    uint64_t withheld_count;      /* the same, because their readers could not load them */
    bool plain, plain_by_others;  /* files become plain pickles; because other programs' rows are plain pickles */
    uint64_t pending_count;       /* not reached: interrupted or stopped */
    uint64_t duplicate_count;     /* models whose content another model of the tree has under another key */
    uint64_t raw_bytes, stored_bytes; /* of the new ones */
    uint64_t tree_bytes;          /* of all models of the tree */
    uint64_t read_count;          /* sources that were read */
    uint64_t read_bytes;
    double seconds;
    char run_id[37];
    char backup[4096];            /* folder, "" when no row was stored */
    char journal[4096];           /* "" in a dry run */
    int exit_code;
} RunSummary;

/* Fills the counts and byte sums from the list. */
bool summary_count(const ModelList *models, RunSummary *summary, Err *err);

/* One line for each model, in the order of the list; in text only when verbose. map: of the scan, may be NULL. */
bool lines_run_models(const Lines *lines, const ModelList *models, const NameMap *map, Err *err);
bool lines_run_summary(const Lines *lines, const RunSummary *summary, Err *err);

/* --- check and cleanup ------------------------------------------------------------------------------------------------------- */

typedef struct CheckSummary {
    uint64_t same, only_on_disk, only_in_store, differ, unchecked, older;
    uint64_t same_bytes;
    int exit_code;
} CheckSummary;

bool lines_check(const Lines *lines, const Inventory *inventory, const CheckSummary *summary, Err *err);

/* What may go and what must stay. The report alone; nothing was deleted. */
bool lines_cleanup(const Lines *lines, const Inventory *inventory, int exit_code, Err *err);

/* One source of an executed plan. why NULL: it was removed. */
bool lines_removed(const Lines *lines, const char *path, const StoredModel *row, const char *why, Err *err);

typedef struct RemovalSummary {
    uint64_t removed, removed_bytes, kept;
    bool to_trash;
    int exit_code;
} RemovalSummary;

bool lines_removal_summary(const Lines *lines, const RemovalSummary *summary, Err *err);

/* --- get, restore, copy, db -------------------------------------------------------------------------------------------------- */

/* A model was written to `path`. */
bool lines_got(const Lines *lines, const StoredModel *row, const char *path, Err *err);

/* One of many. status: "written", "present" (it was there with this content), "failed" with the reason; `path` is where it is, or
 * would be. */
bool lines_got_of_many(const Lines *lines, const StoredModel *row, const char *path, const char *status, const char *reason,
                       Err *err);

typedef struct GetSummary {
    uint64_t written, present, failed;
    uint64_t raw_bytes; /* of what was written */
    int exit_code;
} GetSummary;

/* Text only of several: the line of a single one says it all. */
bool lines_get_summary(const Lines *lines, const GetSummary *summary, Err *err);

/* What became of a row that was to be delivered to a store. */
typedef enum RowStatus {
    ROW_STORED,
    ROW_PRESENT,    /* it is stored with this content */
    ROW_CONFLICT,   /* its key is stored with other content, and stays as it is */
    ROW_UNCONFIRMED, /* the same in the backup of a killed run: it may never have been committed */
    ROW_FAILED,
    ROW_STATUS_COUNT
} RowStatus;

/* A row of a backup. row: NULL when it cannot be read. reason: NULL when all is well. */
bool lines_restored(const Lines *lines, const StoredModel *row, RowStatus status, const char *reason, Err *err);

typedef struct RestoreSummary {
    uint64_t backups, restored, present, conflict, unconfirmed, failed;
    int exit_code;
} RestoreSummary;

bool lines_restore_summary(const Lines *lines, const RestoreSummary *summary, Err *err);

typedef struct CopySummary {
    const char *from; /* label of the store that the rows come from */
    uint64_t copied, present, conflict, failed;
    uint64_t made_inactive; /* of the copied: active where they come from, and not where they went */
    uint64_t raw_bytes, stored_bytes; /* of the copied */
    bool dry_run;
    int exit_code;
} CopySummary;

/* A row of a store that is copied. reason: NULL when all is well. In text only when verbose. */
bool lines_copied(const Lines *lines, const StoredModel *row, RowStatus status, const char *reason, Err *err);

bool lines_copy_summary(const Lines *lines, const CopySummary *summary, Err *err);

/* A revision was applied. */
bool lines_applied(const Lines *lines, const char *revision, const char *slug, Err *err);

/* At the end of `db upgrade`, which applied so many. */
bool lines_upgraded(const Lines *lines, unsigned applied, Err *err);

/* revision: "" before the first one. */
bool lines_current(const Lines *lines, const char *revision, bool is_head, Err *err);

#endif
