/* totals.h: what the items of an inventory say together; for report/ only. Pointers lead into the inventory, which
 * must outlive the facts. The same input gives the same order everywhere. */
#ifndef REPORT_TOTALS_H
#define REPORT_TOTALS_H

#include "report/inventory.h"

/* Where an item stands, the worst first. */
typedef enum Kind {
    KIND_DAMAGED,
    KIND_DIFFERS,
    KIND_UNCHECKED,
    KIND_ONLY_DISK,
    KIND_STAYS, /* '=', but a clean-up must leave it */
    KIND_ONLY_STORE,
    KIND_CAN_GO,
    KIND_SAME, /* '=' when nothing is cleaned up */
    KIND_OLDER,
    KIND_COUNT
} Kind;

Kind inventory_kind(const Inventory *inventory, const InventoryItem *item);
const char *inventory_state(const Inventory *inventory,
                            const InventoryItem *item); /* the kind in one word: "damaged", "can-go", … */

/* Disk: sources, and their bytes. Rows: what the store has, raw_bytes of them and stored_bytes. */
typedef struct Sum {
    uint64_t count, disk_count, disk_bytes, row_count, raw_bytes, stored_bytes;
} Sum;

/* Items that have something in common, in an order that suits it. */
typedef struct Group {
    const InventoryItem **items; /* part of Groups.items */
    size_t count;
    Sum sum;
    uint64_t weight; /* the larger, the earlier */
} Group;

typedef struct Groups {
    const InventoryItem **items;
    Group *list;
    size_t count, item_count;
} Groups;

typedef struct Facts {
    Sum all, kinds[KIND_COUNT];
    Sum must_stay;                     /* the kinds DAMAGED to STAYS: what of them is on disk, a clean-up leaves there */
    Groups by_kind;                    /* every item, in the order given; the worst kind first */
    Groups reasons;                    /* of the kinds DAMAGED to STAYS, by kind and reason */
    Groups types;                      /* rows by model type, the largest stored item first */
    Groups copies; /* rows of one content under two names or more, by name and version; weight is what the store would save */
    Groups series; /* rows of one name with two versions or more, by version; weight is the change from first to last */
    Groups runs;                       /* rows by the run that stored them, the latest first */
    uint64_t copy_bytes;               /* what the store would save if it kept each content once */
    uint64_t copy_disk_bytes;          /* … and the disk */
} Facts;

bool facts_make(const Inventory *inventory, Facts *out, Err *err); /* ERR_STOP no memory; then *out is empty */
void facts_free(Facts *facts);

const char *item_type(const InventoryItem *item); /* the model type of its row, NULL = not known */
bool item_same_row(const InventoryItem *a, const InventoryItem *b); /* name and version */

#endif
