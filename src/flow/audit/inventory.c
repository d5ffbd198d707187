#include "flow/audit_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

const char *audit_must_stay(const AuditItem *item)
{
    if (item->letter == AUDIT_ONLY_DISK)
        return "it is not stored";
    if (item->letter != AUDIT_SAME)
        return item->reason != NULL ? item->reason : "it is not the same as what is stored";
    if (item->doubt != STORE_KEPT)
        return store_doubt_text(item->doubt);
    if (item->stays != NULL)
        return item->stays;
    if (!item->row->has_digests)
        return "its row records no digest that the database could prove; another program wrote it";
    if (!item->store_proof)
        return "the database has not proven the stored payload";
    if (!item->download_proof)
        return "the stored payload was not read back";
    return NULL;
}

static void fill(InventoryItem *out, const AuditItem *item, const ModelList *models, bool is_cleanup)
{
    const char *must_stay = audit_must_stay(item);
    const Model *model = item->model == UINT32_MAX ? NULL : &models->items[item->model];
    *out = (InventoryItem){.path = model != NULL ? model->path : NULL,
                           .name = item->name,
                           .version = item->version == VERSION_AUTO ? -1 : item->version,
                           .reason = is_cleanup && model != NULL ? (must_stay != NULL ? must_stay : item->note) : item->reason,
                           .letter = (char)item->letter,
                           .can_go = is_cleanup && model != NULL && must_stay == NULL,
                           .row = item->row,
                           .is_damaged = item->is_damaged,
                           .is_older = item->is_older && !item->is_damaged,
                           .raw_bytes = item->raw_bytes,
                           .store_proof = item->store_proof,
                           .download_proof = item->download_proof};
}

/* Symbolic links and the like stay where they are; the clean-up says so. */
static void fill_skipped(InventoryItem *out, const Model *model)
{
    *out = (InventoryItem){.path = model->path,
                           .name = model->name,
                           .version = -1,
                           .reason = model->reason != NULL ? model->reason : "left out",
                           .letter = (char)AUDIT_UNCHECKED};
}

bool audit_inventory(const Audit *audit, const SourceTree *tree, const char *title, bool is_cleanup, const char *store,
                     const char *host, Inventory *out, Err *err)
{
    const ModelList *models = tree->models;
    *out = (Inventory){.title = title,
                       .models_dir = tree->root_path,
                       .store = store,
                       .host = host,
                       .made_ns = clock_real_ns(),
                       .is_cleanup = is_cleanup,
                       .left_out = &models->left_out,
                       .older = audit->older};
    out->items = calloc(audit->count + models->count + 1, sizeof *out->items);
    if (out->items == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < audit->count; i++)
        fill(&out->items[out->count++], &audit->items[i], models, is_cleanup);
    for (uint32_t i = 0; is_cleanup && i < models->count; i++)
        if (models->items[i].state == MODEL_SKIPPED)
            fill_skipped(&out->items[out->count++], &models->items[i]);
    return true;
}

void audit_free_inventory(Inventory *inventory)
{
    free(inventory->items);
    *inventory = (Inventory){0};
}
