/* inventory.h: what a tree and a store have, model by model, as a report: text, CSV, JSON or one self-contained HTML page.
 *
 * `check` and `cleanup` fill it from the audit. All strings are borrowed and hostile; every writer escapes them for its format. One
 * thread. */
#ifndef REPORT_INVENTORY_H
#define REPORT_INVENTORY_H

#include <stdio.h>

#include "base/buf.h"
#include "model/left_out.h"
#include "store/stored_model.h"

typedef struct InventoryItem {
    const char *path;       /* relative to MODELS_DIR; NULL: only the store has it */
    const char *name;       /* NULL: no good name */
    int32_t version;        /* -1 = not known */
    const char *reason;     /* why it differs or must stay, or what is to be known before it goes; NULL = all well */
    char letter;            /* = + - * ! (flow/audit.h) */
    bool can_go;            /* the local source may be deleted: the full proof was made just now */
    bool is_damaged;        /* the payload is not what its row says: told first, in red */
    bool is_older;          /* an earlier version in the store of a name that the tree has: history, letter '-', no difference */
    uint64_t raw_bytes;     /* of the row's content, else of the source */
    const StoredModel *row; /* NULL: none; borrowed */
    bool store_proof, download_proof;
} InventoryItem;

typedef struct Inventory {
    const char *title;        /* "Clean-up report", "Check report" */
    const char *models_dir;   /* absolute */
    const char *store;        /* label */
    const char *host;
    int64_t made_ns;          /* since 1970 */
    bool is_cleanup;          /* can_go means something */
    InventoryItem *items;     /* in the order to show */
    size_t count;
    const LeftOut *left_out; /* what the scan passed over; NULL = nothing */
    uint64_t older; /* earlier versions in the store of names that the tree has, whether they are among the items or not */
} Inventory;

/* ERR_USAGE when the ending of `path` tells no format and it is no stream (base/userfile.h): to be asked before the work. NULL is
 * fine. */
bool inventory_has_format(const char *path, Err *err);

/* Writes the report to `path` by userfile_write (0644 & ~umask), the format by its ending: .csv, .json or .html; CSV for a stream
 * without one. ERR_USAGE for another one. errors: ERR_STOP no disk, no memory. */
bool inventory_write_file(const Inventory *inventory, const char *path, Err *err);

/* The same into memory. */
bool inventory_csv(const Inventory *inventory, Buf *out,
                   Err *err); /* header, one row for each item; digests in hex, times ISO 8601 */
bool inventory_json(const Inventory *inventory, Buf *out, Err *err); /* one JSON object: what the struct has */
bool inventory_html(const Inventory *inventory, Buf *out, Err *err); /* no script, no link to anything outside */

#endif
