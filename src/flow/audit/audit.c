#include "flow/audit.h"

#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "../pool.h"
#include "flow/progress.h"
#include "model/plan.h"
#include "source/pack.h"
#include "store/runs_from.h"

typedef struct HashJob {
    const SourceTree *tree;
    const StrMap *only;
    const ScanRules *rules;
    const Rows *rows;
} HashJob;

static void *start_hash(void *shared, Err *err)
{
    const HashJob *job = shared;
    PackSettings settings = {.level = 0, .temp_dir = "/tmp", .rules = job->rules, .keep_payload = false};
    Packer *packer = packer_new(&settings, err);
    if (packer != NULL)
        packer_hash_junk(packer, true);
    return packer;
}

static bool is_wanted(const HashJob *job, const Model *model)
{
    return model->state == MODEL_PENDING && (job->only == NULL || strmap_get(job->only, model->path) != STRMAP_NONE);
}

static bool hash_source(void *shared, void *own, uint32_t index, Err *err)
{
    const HashJob *job = shared;
    Model *model = &job->tree->models->items[index];
    Packed packed;
    if (!is_wanted(job, model))
        return true;
    progress_begin("reading %s", model->path);
    bool ok = pack_model(own, job->tree->root, model, &packed, err);
    progress_add(1, model->stamp.size);
    if (!ok) {
        if (err->cls != ERR_SKIP)
            return false;
        model_fail(model, MODEL_FAILED, err);
        progress_failed();
        return true;
    }
    model->stamp = packed.stamp;
    if (!model_set_content(model, &packed.content, packed.is_tar ? &packed.members : NULL, err))
        return false;
    Content now = model_content(model);
    Content whole = {.kind = CONTENT_DIRECTORY, .digest = packed.whole_content, .members = &packed.whole_members};
    /* A row that has the junk in the directory, too, is no other content. */
    return !packed.has_whole || model->name == NULL || rows_hold(job->rows, model->name, &now) ||
           !rows_hold(job->rows, model->name, &whole) || model_set_content(model, &whole.digest, whole.members, err);
}

static void stop_hash(void *own)
{
    packer_free(own);
}

static bool hash_sources(const AuditSettings *settings, SourceTree *tree, const Rows *rows, Err *err)
{
    HashJob shared = {.tree = tree, .only = settings->only, .rules = &settings->scan, .rows = rows};
    PoolJob job = {.start = start_hash, .item = hash_source, .stop = stop_hash, .shared = &shared};
    uint64_t count = 0, bytes = 0;
    for (uint32_t i = 0; i < tree->models->count; i++) {
        bool wanted = is_wanted(&shared, &tree->models->items[i]);
        count += wanted;
        bytes += wanted ? tree->models->items[i].stamp.size : 0;
    }
    progress_phase("reading the folder", count, bytes);
    return pool_run(settings->jobs, tree->models->count, &job, err);
}

/* Two sources with one key: the plan knows how to tell. */
static bool refuse_twins(ModelList *models, Err *err)
{
    Plan *plan = NULL;
    bool ok = plan_new(models, NULL, CHANGE_FAIL, &plan, err);
    plan_free(plan);
    return ok;
}

static bool list_rows(const AuditSettings *settings, const ModelList *models, Audit *audit, Err *err)
{
    progress_phase("asking the database what it has", 0, 0);
    audit->rows = calloc(1, sizeof *audit->rows);
    if (audit->rows == NULL)
        return err_no_memory(err);
    if (!rows_list(settings->retry, models, settings->for_removal, audit->rows, err))
        return false;
    memcpy(audit->store, audit->rows->store, sizeof audit->store);
    return true;
}

typedef struct Here {
    const AuditSettings *settings;
    const char *root_path;
    Store *store;
    Rows *rows;
} Here;

static bool note_run(void *ctx, const char *run_id, Err *err)
{
    Here *here = ctx;
    const char *key = arena_copy(&here->rows->arena, run_id, strlen(run_id), err);
    return key != NULL && strmap_add(&here->rows->runs_here, key, 0, NULL, err);
}

static bool ask_runs(void *ctx, Err *err)
{
    Here *here = ctx;
    return store_runs_from(here->store, here->settings->here, here->root_path, note_run, here, err);
}

/* A row that was stored from elsewhere is not missing here. */
static bool find_runs_here(const AuditSettings *settings, const SourceTree *tree, Audit *audit, Err *err)
{
    Here here = {.settings = settings, .root_path = tree->root_path, .rows = audit->rows};
    bool ok = settings->here == NULL || retry_step(settings->retry, &here.store, ask_runs, &here, err);
    store_close(here.store);
    return ok;
}

bool audit_run(const AuditSettings *settings, SourceTree *tree, ModelList *models, Audit *out, Err *err)
{
    Audit audit = {0};
    progress_phase("looking through the folder", 0, 0);
    bool ok = source_tree_open(settings->models_dir, tree, err) &&
              source_tree_scan(tree, &settings->scan, settings->map_file, models, err) &&
              source_tree_spare(tree, store_target_file(settings->retry->target), err) && refuse_twins(models, err) &&
              list_rows(settings, models, &audit, err) &&
              audit_add_unmarked(settings, audit.rows, tree, models, err) && find_runs_here(settings, tree, &audit, err) &&
              hash_sources(settings, tree, audit.rows, err) &&
              audit_pair(settings, &audit, tree->map, models, err) &&
              audit_prove(settings, &audit, models, err) &&
              (!settings->for_removal || audit_look_at_removable(&audit, tree, err));
    if (!ok) {
        audit_free(&audit);
        return false;
    }
    audit_count(&audit);
    *out = audit;
    return true;
}
