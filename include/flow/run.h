/* run.h: the migration and the re-sync of one tree into one store, from scan to report.
 *
 *   scan -> identify -> compare with the store -> work list (largest first) -> N workers -> report
 *
 * Each worker owns one session, one packer and one backup part and carries a model all the way; no payload crosses threads.
 * For every batch: backup rows durable, then COMMIT, then journal durable, then reported done. */
#ifndef FLOW_RUN_H
#define FLOW_RUN_H

#include "flow/retry.h"
#include "backup/backup.h"
#include "model/model.h"
#include "model/plan.h"
#include "report/lines.h"
#include "source/source_tree.h"

typedef enum PayloadForm {
    PAYLOAD_AUTO,   /* as joblib wrote it, but plain pickles where other programs' rows are plain pickles */
    PAYLOAD_JOBLIB,
    PAYLOAD_PICKLE  /* plain pickles, where a file has that form */
} PayloadForm;

typedef struct RunSettings {
    const char *models_dir;
    Retry *retry; /* the store, and the patience with it */
    const char *state_dir;  /* NULL: from XDG_STATE_HOME or HOME */
    const char *backup_dir; /* NULL: backups/ in the state folder of the store */
    BackupMode backup;
    ScanRules scan;
    const char *map_file; /* NULL = none */
    OnChange on_change;
    PayloadForm payload;
    int level;             /* 0..9, pack.h */
    unsigned jobs;         /* workers, 1..256 */
    uint64_t batch_rows;   /* a worker commits when its batch has so many rows … */
    uint64_t batch_bytes;  /* … or so many stored bytes */
    uint64_t max_memory;   /* bytes for all payload buffers together */
    uint64_t inline_limit; /* stored bytes; larger payloads go to model_chunks; 0 = what the database holds well */
    bool return_live;      /* a file that goes back to an older content takes its readers along */
    bool activate, checksum, dry_run, upgrade;
    double min_age;        /* seconds; a source that was modified later than that is left for the next run */
    bool verify_stored;    /* decode each payload again before it is sent */
} RunSettings;

/* Runs. On success or failure *summary and *models tell how far it came (free with model_list_free), and *tree is what was scanned
 * (source_tree_close). The error is that of the run as a whole; models that failed by themselves are in the list. ERR_INTERRUPTED
 * after a signal. */
bool run_models(const RunSettings *settings, SourceTree *tree, ModelList *models, RunSummary *summary, Err *err);

#endif
