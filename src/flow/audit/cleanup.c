#define _XOPEN_SOURCE 700 /* realpath */
#include "flow/cleanup.h"
#include "flow/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "flow/audit_report.h"
#include "state/state.h"
#include "state/trail.h"
#include "source/removal.h"

/* A folder that is empty or that cannot be read as a whole proves nothing. */
static bool refuse_unsound(const SourceTree *tree, Err *err)
{
    for (uint32_t i = 0; i < tree->models->count; i++) {
        const Model *model = &tree->models->items[i];
        if (model->is_unreadable) {
            err_set(err, ERR_STOP, "%s", model->reason != NULL ? model->reason : model->path);
            err_hint(err, "nothing is deleted from a tree that cannot be read as a whole; mend it");
            return err_remedy(err, REMEDY_EXCLUDE);
        }
    }
    if (tree->models->count > 0)
        return true;
    err_set(err, ERR_STOP, "%s: holds no model: is it the right folder, and mounted?", tree->root_path);
    return err_hint(err, "nothing is deleted on the word of an empty folder");
}

/* The same address may lead to another database now. */
static bool refuse_other_store(const CleanupPlan *plan, const char *store, Err *err)
{
    if (plan->count == 0 || strcmp(plan->store, store) == 0)
        return true;
    if (plan->store[0] == '\0') {
        log_line(LOG_WARN, "the plan does not say for which store it was made; it was made by version 0.1.0");
        return true;
    }
    err_set(err, ERR_STOP, "the plan was made for the store %s, and this is the store %s", plan->store,
            store[0] != '\0' ? store : "without an identifier");
    return err_hint(err, "name the store that the plan is about, or make a new plan");
}

/* What is wrong with the server as a whole is wrong with each of its rows. */
static bool refuse_doubtful(const Audit *audit, Err *err)
{
    for (size_t i = 0; i < audit->count; i++) {
        StoreDoubt doubt = audit->items[i].doubt;
        if (doubt == STORE_KEPT || doubt == STORE_UNLOGGED || doubt == STORE_UNLOGGED_CHUNKS)
            continue;
        err_set(err, ERR_STOP, "%s", store_doubt_text(doubt));
        return err_hint(err, doubt == STORE_STANDBY ? "name the primary" : "nothing is deleted on the word of such a database");
    }
    return true;
}

static StoredModel source_alone(const AuditItem *item)
{
    return (StoredModel){.name = item->name != NULL ? item->name : "",
                         .version = item->version,
                         .raw_bytes = item->raw_bytes,
                         .run_id = ""};
}

bool cleanup_make_plan(const Audit *audit, const SourceTree *tree, CleanupPlan *out, Err *err)
{
    CleanupPlan plan = {0};
    bool ok = refuse_unsound(tree, err);
    text_copy(plan.store, sizeof plan.store, audit->store);
    for (size_t i = 0; ok && i < audit->count; i++) {
        const AuditItem *item = &audit->items[i];
        if (item->model == UINT32_MAX)
            continue;
        const Model *model = &tree->models->items[item->model];
        const char *why = audit_must_stay(item);
        CleanupLine line = {.delete_it = why == NULL,
                            .path = model->path,
                            .is_directory = model->kind == MODEL_DIRECTORY,
                            .has_row = item->row != NULL,
                            .row = item->row != NULL ? *item->row : source_alone(item),
                            .stamp = item->stamp,
                            .readers_version = item->readers_version,
                            .reason = why != NULL ? why : item->note != NULL ? item->note : ""};
        ok = cleanup_plan_add(&plan, &line, err);
    }
    if (!ok) {
        cleanup_plan_free(&plan);
        return false;
    }
    *out = plan;
    return true;
}

/* --- apply ------------------------------------------------------------------------------------------------------------------- */

typedef struct Apply {
    const CleanupSettings *settings;
    const CleanupPlan *plan;
    SourceTree tree;
    ModelList models;
    Audit audit;
    State state;
    Trail *trail;
    Store *store;
    int trash;
    CleanupDoneFn fn;
    void *ctx;
    CleanupResult *result;
    bool *resumed; /* by line of the plan: it was hidden by a clean-up that was killed, and has its name back */
} Apply;

static bool same_row(const StoredModel *now, const StoredModel *then)
{
    return strcmp(now->name, then->name) == 0 && now->version == then->version && digest_equal(&now->content, &then->content) &&
           digest_equal(&now->stored, &then->stored) && now->is_tar == then->is_tar;
}

/* The line is still true of the source, and of the row that it was paired with. */
static const char *compare_line(const Apply *apply, const CleanupLine *line, const AuditItem *item)
{
    const Model *model = &apply->models.items[item->model];
    /* The two renames of a removal that was cut off moved the ctime of a file. */
    unsigned except = apply->resumed[line - apply->plan->lines] && !line->is_directory ? STAMP_ANY_CTIME : 0;
    if ((model->kind == MODEL_DIRECTORY) != line->is_directory || !stamp_is(&item->stamp, &line->stamp, except))
        return "it changed after the plan was made";
    const char *why = audit_must_stay(item);
    if (why != NULL)
        return why;
    if (!same_row(item->row, &line->row))
        return "the plan names another row or content";
    return NULL;
}

typedef struct LastQuestion {
    Apply *apply;
    StoreProof proof;
    bool is_elsewhere; /* an address may lead to another store by now */
} LastQuestion;

static bool ask_once(void *ctx, Err *err)
{
    LastQuestion *question = ctx;
    char identity[STORE_IDENTITY_SIZE];
    if (!store_identity(question->apply->store, identity, err) || !store_verify(question->apply->store, &question->proof, 1, err))
        return false;
    question->is_elsewhere = strcmp(identity, question->apply->audit.store) != 0;
    return true;
}

/* The last question before a removal: is the row there at this moment, the same one as was proven, whole, and on a server that
 * keeps it? *why gets the answer, NULL = yes. */
static bool ask_again(Apply *apply, const CleanupLine *line, uint64_t bytes, const char **why, Err *err)
{
    LastQuestion question = {.apply = apply,
                             .proof = {.name = line->row.name,
                                       .version = line->row.version,
                                       .content = &line->row.content,
                                       .stored = &line->row.stored,
                                       .bytes = bytes}};
    if (!retry_step(apply->settings->audit.retry, &apply->store, ask_once, &question, err))
        return false;
    *why = NULL;
    if (question.is_elsewhere)
        *why = "another store answers at this address";
    else if (question.proof.health != STORE_INTACT)
        *why = "its row vanished, changed or was damaged just now";
    else if (question.proof.doubt != STORE_KEPT)
        *why = store_doubt_text(question.proof.doubt);
    return true;
}

/* The trail is what counts; the journal learns that the source is gone, until it is rewritten. */
static bool note(Apply *apply, const CleanupLine *line, JournalEvent event, Err *err)
{
    Err why = {0};
    char *path = fs_join(apply->tree.root_path, line->path);
    if (path == NULL)
        return err_no_memory(err);
    JournalRecord record = {.event = event,
                            .path = path,
                            .is_directory = line->is_directory,
                            .stamp = line->stamp,
                            .read_ns = clock_real_ns(),
                            .content = line->row.content,
                            .name = line->row.name,
                            .version = line->row.version};
    bool ok = trail_append(apply->trail, &record, err);
    if (ok && event == JOURNAL_REMOVED && !journal_append(apply->state.journal, &record, 1, &why))
        log_line(LOG_WARN, "%s", why.text);
    free(path);
    return ok;
}

static bool tell(Apply *apply, const CleanupLine *line, const char *why, Err *err)
{
    if (why == NULL) {
        apply->result->removed_count++;
        apply->result->removed_bytes += line->row.raw_bytes;
    } else {
        apply->result->kept_count++;
    }
    return apply->fn(apply->ctx, line, why, err);
}

static bool remove_one(Apply *apply, const CleanupLine *line, const AuditItem *item, Err *err)
{
    Err why = {0};
    const char *stays = NULL;
    if (!interrupt_check(err) || !ask_again(apply, line, item->row->stored_bytes, &stays, err))
        return false;
    if (stays != NULL)
        return tell(apply, line, stays, err);
    if (!note(apply, line, JOURNAL_REMOVING, err))
        return false;
    bool gone, whole_removal = removal_take(apply->tree.root, line->path, line->is_directory, &item->stamp, apply->trash, &gone,
                                            &why);
    if (gone && !note(apply, line, JOURNAL_REMOVED, err))
        return false;
    if (whole_removal)
        return tell(apply, line, NULL, err);
    if (why.cls == ERR_SKIP)
        return tell(apply, line, why.text, err);
    *err = why;
    return false;
}

static bool apply_lines(Apply *apply, Err *err)
{
    progress_phase("removing what passes the proof", apply->plan->count, 0);
    for (size_t i = 0; i < apply->audit.count; i++) {
        const AuditItem *item = &apply->audit.items[i];
        uint32_t index =
            item->model == UINT32_MAX ? STRMAP_NONE : strmap_get(&apply->plan->by_path, apply->models.items[item->model].path);
        if (index == STRMAP_NONE || !apply->plan->lines[index].delete_it)
            continue;
        const CleanupLine *line = &apply->plan->lines[index];
        progress_begin("removing %s", line->path);
        progress_add(1, 0);
        const char *why = compare_line(apply, line, item);
        if (!(why != NULL ? tell(apply, line, why, err) : remove_one(apply, line, item, err)))
            return false;
    }
    return true;
}

/* Lines whose source the audit did not look at: gone already, a symbolic link now, or no model any more. */
static bool tell_missing(Apply *apply, Err *err)
{
    StrMap found = {0};
    bool ok = true;
    for (uint32_t i = 0; ok && i < apply->models.count; i++)
        ok = apply->models.items[i].state == MODEL_SKIPPED || strmap_add(&found, apply->models.items[i].path, i, NULL, err);
    for (size_t i = 0; ok && i < apply->plan->count; i++) {
        const CleanupLine *line = &apply->plan->lines[i];
        if (line->delete_it && strmap_get(&found, line->path) == STRMAP_NONE)
            ok = tell(apply, line, "no model is there now", err);
    }
    strmap_free(&found);
    return ok;
}

/* What lies in the tree is a source for the next run; and a file "moved" to where it is would not be gone. */
static bool refuse_trash_inside(const CleanupSettings *settings, Err *err)
{
    char *tree = realpath(settings->audit.models_dir, NULL), *trash = realpath(settings->trash, NULL);
    size_t len = tree != NULL ? strlen(tree) : 0;
    bool inside =
        tree != NULL && trash != NULL && strncmp(trash, tree, len) == 0 && (trash[len] == '/' || trash[len] == '\0' || len == 1);
    free(tree);
    free(trash);
    if (!inside)
        return true;
    err_set(err, ERR_USAGE, "%s: the trash lies inside the folder that is cleaned up", settings->trash);
    return err_hint(err, "name a folder outside of it, on the same file system");
}

/* Before the scan: what a killed clean-up has hidden gets its name back. */
static bool resume(Apply *apply, Err *err)
{
    SourceTree tree = {.root = -1};
    apply->resumed = calloc(apply->plan->count + 1, sizeof *apply->resumed);
    if (apply->resumed == NULL)
        return err_no_memory(err);
    bool ok = source_tree_open(apply->settings->audit.models_dir, &tree, err);
    for (size_t i = 0; ok && i < apply->plan->count; i++) {
        const CleanupLine *line = &apply->plan->lines[i];
        if (line->delete_it)
            ok = removal_resume(tree.root, line->path, line->is_directory, &line->stamp, &apply->resumed[i], err);
    }
    source_tree_close(&tree);
    return ok;
}

static bool open_trash(Apply *apply, Err *err)
{
    apply->trash = -1;
    if (apply->settings->trash == NULL)
        return true;
    if (!fs_make_private_dir(apply->settings->trash, err))
        return err_remedy(err, REMEDY_TRASH);
    apply->trash = open(apply->settings->trash, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return apply->trash >= 0 ? refuse_trash_inside(apply->settings, err)
                             : err_set_errno(err, ERR_STOP, errno, "%s", apply->settings->trash);
}

bool cleanup_apply(const CleanupSettings *settings, const CleanupPlan *plan, CleanupDoneFn fn, void *ctx, CleanupResult *out,
                   Err *err)
{
    Apply apply = {.settings = settings, .plan = plan, .tree = {.root = -1}, .trash = -1, .fn = fn, .ctx = ctx, .result = out};
    AuditSettings audit = settings->audit;
    char run_id[37];
    *out = (CleanupResult){0};
    audit.download = true;
    audit.only = &plan->by_path;
    id_new_uuid(run_id);
    bool ok = state_locate(settings->state_dir, NULL, audit.retry->target, &apply.state, err) &&
              state_open(&apply.state, run_id, err) && trail_open(apply.state.trail_path, &apply.trail, err) &&
              open_trash(&apply, err) && resume(&apply, err) &&
              audit_run(&audit, &apply.tree, &apply.models, &apply.audit, err) &&
              refuse_unsound(&apply.tree, err) && refuse_doubtful(&apply.audit, err) &&
              refuse_other_store(plan, apply.audit.store, err) &&
              journal_know_store(apply.state.journal, apply.audit.store, err) && apply_lines(&apply, err) &&
              tell_missing(&apply, err);
    free(apply.resumed);
    store_close(apply.store);
    audit_free(&apply.audit);
    source_tree_close(&apply.tree);
    model_list_free(&apply.models);
    trail_close(apply.trail);
    state_close(&apply.state);
    if (apply.trash >= 0)
        close(apply.trash);
    return ok;
}
