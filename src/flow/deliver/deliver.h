/* deliver.h: complete rows with their payloads into a store, a window of them at a time: how `restore` and `copy` write.
 *
 * Idempotent: a row that is there with the same content is passed over, other content under its key stays as it is. Rows go
 * in batches. After an error for now (of the store, or of what the rows come from) the store is asked what it has, and the rest is
 * sent again; a batch in which the store refuses a row is sent again row by row, each under a savepoint, so that a refused row
 * costs that row.
 *
 * Fill `items` and `count`, call deliver_window: then every item is settled. One thread. */
#ifndef FLOW_DELIVER_DELIVER_H
#define FLOW_DELIVER_DELIVER_H

#include "flow/retry.h"
#include "known.h"
#include "report/lines.h"

#define DELIVER_WINDOW_ROWS 1000

typedef struct DeliverItem {
    StoredModel model; /* its strings live as long as the window */
    bool done;         /* settled: nothing is left to do for it */
    bool sent;         /* in a batch whose COMMIT may have been applied */
    unsigned conflicts; /* how often the store said that the key is taken */
    RowStatus status;   /* when done */
    char reason[256];   /* "" when all is well */
} DeliverItem;

/* What the rows come from. `index` is that of the item in the window. */
typedef struct DeliverSource {
    /* The whole payload of an item into `payload`, proven. *fault (NULL before): it cannot be had, and why; borrowed until the next
     * call. ERR_RETRY: not now. */
    bool (*load)(void *ctx, size_t index, Spool *payload, const char **fault, Err *err);
    void (*settle_fault)(void *ctx, size_t index, const char *fault);
    /* The key is not there, as far as the store was asked just now. Settle the item, or leave it: then it is sent. May be NULL. */
    bool (*vacant)(void *ctx, size_t index, Err *err);
    void (*other)(void *ctx, size_t index); /* the key has other content: settle the item */
} DeliverSource;

typedef struct Deliver {
    const DeliverSource *source;
    void *ctx; /* of source */
    Retry *retry;
    uint64_t batch_rows, batch_bytes;
    bool is_empty;       /* the store has no tables yet: it is not asked */
    bool dry_run;        /* ask only; what would be sent is settled as stored */
    Spool payload;       /* made and freed by the caller */
    DeliverItem *items;  /* DELIVER_WINDOW_ROWS; freed by deliver_free */
    size_t count;
    uint64_t settled[ROW_STATUS_COUNT];

    Store *store;
    Known known;
    RetryRow row; /* failures of the connection without a batch between them */
} Deliver;

/* Allocates the window. */
bool deliver_init(Deliver *deliver, Err *err);

/* Settles every item of the window that is not done. ERR_UNREACHABLE, ERR_INTERRUPTED, ERR_STOP: the batches that were committed
 * stay. */
bool deliver_window(Deliver *deliver, Err *err);

void deliver_settle(Deliver *deliver, DeliverItem *item, RowStatus status, const char *reason);

/* The text of an error without the key of its row in front: whoever tells it names the row. Borrowed. */
const char *deliver_reason(const StoredModel *model, const char *text);

/* It is stored: by us, or before. */
void deliver_settle_stored(Deliver *deliver, DeliverItem *item);

/* Closes the session and frees all but `payload`. */
void deliver_free(Deliver *deliver);

#endif
