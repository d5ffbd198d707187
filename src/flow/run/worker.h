/* worker.h: inside a run: what the workers share, and what each has for itself. Private to flow/run/. */
#ifndef FLOW_RUN_WORKER_H
#define FLOW_RUN_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/strmap.h"
#include "flow/run.h"
#include "keep.h"
#include "source/source_tree.h"
#include "state/state.h"
#include "source/pack.h"

/* Indices of the plan. */
typedef struct GroupList {
    uint32_t *items;
    size_t count, cap;
} GroupList;

/* What the store says of readers that call pickle.loads. */
typedef struct Pickles {
    bool foreign; /* other programs' rows are read so */
    bool wanted;  /* files become plain pickles in this run */
    StrMap names; /* of the tree, that have rows which are read so */
    Arena arena;
} Pickles;

/* One run. The first part is set up before the workers start and only read by them; `lock` guards the second; the third is atomic.
 * A model (and its group in the plan) belongs to the worker that took the group. */
typedef struct Run {
    const RunSettings *settings;
    ModelList *models;
    RunSummary *summary;
    SourceTree tree;
    char host[256], user[64];
    char run_id[37];
    StoreRun record; /* who and where; the counts at the end */
    int64_t start_ns;
    uint64_t inline_limit;
    Plan *plan;
    Pickles pickles;
    State state;
    Backup *backup;
    Store *store; /* the first session; worker 0 has it while there is work */
    char *place;  /* store_place and store_identity of it */
    char store_id[STORE_IDENTITY_SIZE];

    bool many_writers; /* of the store; false: batches are kept, and writer_lock is held from begin to commit */

    pthread_mutex_t begin_lock;   /* guards run_begun and what is made with it */
    pthread_mutex_t writer_lock;
    pthread_mutex_t journal_lock; /* guards the journal: its fsync must not hold up the scheduler */
    pthread_mutex_t lock;
    pthread_cond_t worker_ended;
    unsigned workers_started, workers_left;
    unsigned active;      /* workers that have not ended */
    uint32_t next_work;
    bool run_begun;       /* the model_runs row is there */
    bool outcome_unknown; /* a COMMIT was sent and nobody could be asked: the backup folder stays for the next run */
    Err first_error;      /* cls ERR_NONE: no worker failed */

    atomic_uint_fast64_t read_count, read_bytes; /* sources packed */
} Run;

/* A model that is in the open transaction. */
typedef struct BatchItem {
    uint32_t group, model;
    Stamp stamp;
    int64_t read_ns;
    bool taken;     /* the store was found to have its key */
    bool committed; /* ... with the row of this batch, after a lost COMMIT */
} BatchItem;

typedef struct ItemList {
    BatchItem *items;
    size_t count, cap;
} ItemList;

bool item_list_add(ItemList *list, const BatchItem *item, Err *err);

typedef struct Worker {
    Run *run;
    unsigned number;
    uint64_t share; /* of --max-memory, bytes */
    pthread_t thread;
    Packer *packer;
    Store *store;
    BackupPart *part;
    ItemList batch;       /* in the open transaction, or kept for one */
    Keep keep;            /* their rows, for a store with one writer */
    uint64_t batch_bytes; /* stored bytes in it */
    ItemList decided;     /* not stored, on the word of rows in the open transaction: undone with it */
    ItemList seen;        /* settled, to be journaled */
    GroupList requeued;   /* to do again, before new ones */
    uint64_t row_cap;  /* rows of a batch; smaller while a batch with one bad row is split */
    RetryRow row;  /* failures since the last batch that was stored */
    bool outcome_unknown; /* COMMIT of the batch went out, its answer was lost */
} Worker;

void *worker_main(void *worker);

/* batch.c: the open transaction of one worker. */

/* Whose the backup of this run is, once the store was asked who it is. */
BackupOwner run_owner(const Run *run);

/* Adds a packed model; opens session and transaction as needed. On failure call batch_recover. */
bool batch_put(Worker *worker, uint32_t group, Model *model, const Packed *packed, Err *err);
/* A model that is not to be stored: settled, or when the batch has a row of its group, when that is committed. */
bool batch_decided(Worker *worker, uint32_t group, const BatchItem *item, Err *err);
bool batch_settle_decided(Worker *worker, Err *err); /* the batch is committed */

bool batch_is_full(const Worker *worker);
void batch_clear(Worker *worker);                    /* it is stored, or given up */
size_t batch_keep_memory(const Worker *worker); /* bytes of payloads that a kept batch may hold in memory */

/* Backup durable, COMMIT, journal durable. On failure call batch_recover. */
bool batch_flush(Worker *worker, Err *err);

/* recover.c: after a failed batch_put or batch_flush: true when its models are stored or queued again, false when the run has to
 * end. */
bool batch_recover(Worker *worker, Err *err);

/* Journals what is settled. */
bool batch_journal(Worker *worker, Err *err);

/* verify.c: decodes the payload and compares. ERR_SKIP: it is not what was read. */
bool verify_packed(const Model *model, const Packed *packed, Err *err);

/* compare.c: scan, names and journal make the plan; the store settles it. compare_store may be repeated after ERR_RETRY. */
bool compare_tree(Run *run, Err *err);
bool compare_store(Run *run, Err *err);

/* pickles.c: asks the store, which may be repeated; then: do readers of this name call pickle.loads? */
bool pickles_ask(Run *run, Err *err);
bool pickles_are_read(const Run *run, const char *name);
void pickles_free(Pickles *pickles);

/* compact.c: rewrites the journal when most of it is history. */
bool compact_journal(Run *run, Err *err);

/* Does an absolute path lie in the tree of this run? */
bool run_has_path(const Run *run, const char *path);

/* journal_read, or journal_peek in a dry run. */
bool run_read_journal(Run *run, JournalFn fn, void *ctx, Err *err);

/* missing.c: warns when the tree holds no model, and none of those that the journal knows there is left. */
bool missing_look(Run *run, Err *err);

/* returns.c: files that went back to an older content: their versions go live again, or it is said why not. */
bool returns_settle(Run *run, Err *err);

/* batch.c: the path of a source as its row has it. */
bool run_source_path(const Model *model, Buf *out, Err *err);

/* leftovers.c: finishes the backups of runs that were killed, when the work is done. */
bool leftovers_finish(Run *run, Err *err);

#endif
