/* report.h: what a run tells its user, as text or as JSON lines. One thread. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdio.h>

#include "model/model.h"

typedef struct RunSummary {
    bool dry_run, schema_missing; /* dry run before the tables exist */
    uint64_t new_count, unchanged_count, conflict_count, failed_count, skipped_count;
    uint64_t pending_count;       /* not reached: interrupted or stopped */
    uint64_t duplicate_count;     /* models whose content another model of the tree has under another key */
    uint64_t raw_bytes, stored_bytes; /* of the new ones */
    uint64_t tree_bytes;          /* of all models of the tree */
    uint64_t read_count;          /* sources that were read */
    uint64_t read_bytes;
    double seconds;
    char run_id[37];
    char store[512];              /* label of the store */
    char backup[4096];            /* folder, "" when no row was stored */
    char journal[4096];           /* "" in a dry run */
    int exit_code;
} RunSummary;

/* Fills the counts and byte sums from the list. ERR_STOP when memory ends. */
bool summary_count(const ModelList *models, RunSummary *summary, Err *err);

typedef enum ReportFormat { REPORT_TEXT, REPORT_JSON } ReportFormat;

/* Text: one line for each model when `all`, none otherwise (reasons go to the log). JSON: one line for each model. In the order of
 * the list. */
bool report_models(FILE *out, const ModelList *models, ReportFormat format, bool all, Err *err);
bool report_summary(FILE *out, const RunSummary *summary, ReportFormat format, Err *err);

#endif
