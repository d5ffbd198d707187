/* compare.c: what the tree has, what the journal remembers and what the store has, put together as a plan. */
#include <stdlib.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/strmap.h"
#include "base/vec.h"
#include "flow/odd.h"
#include "model/life.h"
#include "store/lifecycle.h"
#include "worker.h"

#define NAMES_AT_ONCE 1000

/* Of the absolute path of a source, what is before the slash and its path in the tree. */
static size_t prefix_length(const Run *run)
{
    return strcmp(run->tree.root_path, "/") == 0 ? 0 : strlen(run->tree.root_path);
}

bool run_has_path(const Run *run, const char *path)
{
    size_t prefix = prefix_length(run);
    return strncmp(path, run->tree.root_path, prefix) == 0 && path[prefix] == '/';
}

bool run_read_journal(Run *run, JournalFn fn, void *ctx, Err *err)
{
    return run->settings->dry_run ? journal_peek(run->state.journal_path, run->store_id, fn, ctx, err)
                                  : journal_read(run->state.journal, fn, ctx, err);
}

typedef struct JournalMatch {
    Run *run;
    StrMap by_path;
    size_t prefix_len;
} JournalMatch;

static bool match_record(void *ctx, const JournalRecord *record, Err *err)
{
    if (!interrupt_check(err))
        return false;
    JournalMatch *match = ctx;
    size_t prefix = match->prefix_len;
    if (record->event != JOURNAL_KNOWN)
        return true;
    if (!run_has_path(match->run, record->path))
        return true;
    uint32_t index = strmap_get(&match->by_path, record->path + prefix + 1);
    if (index == STRMAP_NONE)
        return true;
    Model *model = &match->run->models->items[index];
    if (stamp_is(&model->stamp, &record->stamp, STAMP_ANY_DEVICE) && record->is_directory == (model->kind == MODEL_DIRECTORY))
        return model_set_content(model, &record->content, record->has_members ? &record->members : NULL, err);
    model_forget_content(model);
    return true;
}

/* A model whose stamp is that of its last record need not be read, if the store has its content. */
static bool use_journal(Run *run, Err *err)
{
    JournalMatch match = {.run = run, .prefix_len = prefix_length(run)};
    if (run->settings->checksum)
        return true;
    bool ok = strmap_reserve(&match.by_path, run->models->count, err);
    for (uint32_t i = 0; ok && i < run->models->count; i++)
        if (run->models->items[i].state == MODEL_PENDING)
            ok = strmap_add(&match.by_path, run->models->items[i].path, i, NULL, err);
    if (ok)
        ok = run_read_journal(run, match_record, &match, err);
    strmap_free(&match.by_path);
    return ok;
}

/* Names of the tree whose versions are asked for once more: rows of other programs are hashed only there, and a source that goes by
 * another name than the tree says has rows that were passed by. */
typedef struct Unhashed {
    Run *run;
    uint32_t *items; /* groups of the plan */
    size_t count, cap;
} Unhashed;

static bool note_group(void *ctx, uint32_t group, Err *err)
{
    Unhashed *unhashed = ctx;
    uint32_t *added = vec_push(unhashed, err);
    if (added != NULL)
        *added = group;
    return added != NULL;
}

static bool add_stored(void *ctx, const StoreVersion *version, Err *err)
{
    Unhashed *unhashed = ctx;
    uint32_t group = version->is_unhashed ? plan_group(unhashed->run->plan, version->name) : PLAN_NO_GROUP;
    if (!interrupt_check(err))
        return false;
    if (group == PLAN_NO_GROUP)
        return plan_add_stored(unhashed->run->plan, version, err);
    return note_group(ctx, group, err);
}

static bool add_hashed(void *ctx, const StoreVersion *version, Err *err)
{
    return interrupt_check(err) && plan_add_stored(ctx, version, err);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* All their versions again, with digests, so many names at once. */
static bool hash_groups(Run *run, Unhashed *groups, Err *err)
{
    const char *names[NAMES_AT_ONCE];
    size_t count = 0;
    bool ok = true;
    if (groups->count > 0)
        qsort(groups->items, groups->count, sizeof *groups->items, by_number);
    store_use_digests(run->store, !run->settings->dry_run);
    for (size_t i = 0; ok && i < groups->count; i++) {
        bool is_last = i + 1 == groups->count;
        bool has_model = plan_first(run->plan, groups->items[i]) != UINT32_MAX;
        if (has_model && (is_last || groups->items[i] != groups->items[i + 1])) {
            plan_forget_versions(run->plan, groups->items[i]);
            names[count++] = run->models->items[plan_first(run->plan, groups->items[i])].name;
        }
        if (count == NAMES_AT_ONCE || (is_last && count > 0)) {
            ok = store_find(run->store, names, count, add_hashed, run->plan, err);
            count = 0;
        }
    }
    return ok;
}

bool compare_tree(Run *run, Err *err)
{
    const RunSettings *settings = run->settings;
    return source_tree_scan(&run->tree, &settings->scan, settings->map_file, run->models, err) &&
           source_tree_spare(&run->tree, store_target_file(settings->retry->target), err) && use_journal(run, err) &&
           plan_new(run->models, run->tree.map, settings->on_change, &run->plan, err);
}

/* Once it is known that the plan stands: a step that failed is repeated. */
static void take_odd_rows(Run *run, const OddRows *odd)
{
    for (size_t i = 0; i < odd->count; i++)
        if (odd->items[i].is_live)
            plan_note(run->plan, odd->items[i].name, PLAN_HIDDEN);
    odd_rows_warn(odd);
}

static bool note_held(void *ctx, const StoreAlias *alias, Err *err)
{
    (void)err;
    if (strcmp(alias->alias, LIFE_HELD) == 0)
        plan_note(ctx, alias->name, PLAN_HELD);
    return true;
}

static bool note_recorded(void *ctx, const char *name, Err *err)
{
    (void)err;
    plan_note(ctx, name, PLAN_RECORDED);
    return true;
}

/* What people said of names. A dry run may come before the tables are there. */
static bool take_record(Run *run, Err *err)
{
    if (run->summary->schema_missing)
        return true;
    bool ok = store_read_begin(run->store, err) && store_aliases(run->store, NULL, note_held, run->plan, err) &&
              store_event_names(run->store, note_recorded, run->plan, err);
    store_rollback(run->store);
    return ok;
}

bool compare_store(Run *run, Err *err)
{
    Unhashed unhashed = {.run = run};
    OddRows odd = {0};
    bool ok = store_catalog(run->store, add_stored, &unhashed, err) &&
              plan_use_stored_keys(run->plan, note_group, &unhashed, err) && hash_groups(run, &unhashed, err) &&
              odd_rows_list(run->store, NULL, &odd, err) && take_record(run, err) && plan_settle(run->plan, err);
    if (ok)
        take_odd_rows(run, &odd);
    odd_rows_free(&odd);
    free(unhashed.items);
    return ok;
}
