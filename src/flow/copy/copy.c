/* copy.c: the rows of the source in windows, each delivered (../deliver/deliver.h). */
#include "flow/copy.h"
#include "flow/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "schema/schema.h"
#include "source.h"
#include "state/state.h"
#include "../deliver/deliver.h"
#include "../share.h"

typedef struct Copy {
    const CopySettings *settings;
    CopySummary *summary;
    CopySource source;
    State state;
    Deliver deliver;
    uint64_t inline_limit;
    size_t next_name, next_row; /* the first row of the next window */
    struct {
        const StoredModel *row;
        CopyName *name;
    } origin[DELIVER_WINDOW_ROWS]; /* of the items of the window */
} Copy;

/* --- is a version active in the destination? --------------------------------------------------------------------------------- */

typedef struct Served {
    const CopyName *name;
    bool same; /* every version there is one of the source, with the same flag */
} Served;

static bool note_served(void *ctx, const StoredModel *there, Err *err)
{
    Served *served = ctx;
    const StoredModel *row = copy_name_version(served->name, there->version);
    (void)err;
    served->same = served->same && row != NULL && row->is_active == there->is_active;
    return true;
}

/* What the destination has are just the highest versions that the source can give, and they are active as there: then an earlier
 * copy did not end. A version that is missing above another one is no sign of anything else if its payload is damaged. */
static bool began_as_ours(Copy *copy, const CopyName *name, uint32_t there, bool *ours, Err *err)
{
    uint32_t same = 0;
    *ours = true;
    for (size_t i = 0; *ours && same < there && i < name->count; i++) {
        KnownAnswer answer;
        const char *fault = NULL;
        if (!known_version(&copy->deliver.known, &name->rows[i], &answer, err) ||
            (answer == KNOWN_FREE && !copy_source_load(&copy->source, &name->rows[i], NULL, NULL, &fault, err)))
            return false;
        same += answer == KNOWN_SAME;
        *ours = answer == KNOWN_SAME || fault != NULL;
    }
    return true;
}

static bool is_ours(Copy *copy, const CopyName *name, bool *ours, Err *err)
{
    uint32_t there = known_count(&copy->deliver.known, name->rows->name);
    Served served = {.name = name, .same = true};
    StoreFilter filter = {.names = (const char *const[]){name->rows->name}, .count = 1};
    *ours = true;
    if (there == 0)
        return true;
    if (!store_list(copy->deliver.store, &filter, note_served, &served, err))
        return false;
    *ours = served.same;
    return !served.same || began_as_ours(copy, name, there, ours, err);
}

/* Decided once for a name, before its first row is sent: later its own rows, and those that failed, would be taken for others. */
static bool keeps_flags(Copy *copy, CopyName *name, bool *keeps, Err *err)
{
    if (!name->is_judged && !copy->settings->activate && !is_ours(copy, name, &name->keeps_flags, err))
        return false;
    name->is_judged = true;
    *keeps = copy->settings->activate || name->keeps_flags;
    return true;
}

static bool decide_flag(void *ctx, size_t index, Err *err)
{
    Copy *copy = ctx;
    bool keeps;
    if (!keeps_flags(copy, copy->origin[index].name, &keeps, err))
        return false;
    copy->deliver.items[index].model.is_active = copy->origin[index].row->is_active && keeps;
    return true;
}

/* --- one row ----------------------------------------------------------------------------------------------------------------- */

static void settle_other(void *ctx, size_t index)
{
    Copy *copy = ctx;
    DeliverItem *item = &copy->deliver.items[index];
    deliver_settle(&copy->deliver, item, ROW_CONFLICT, "is stored with other content");
    log_line(LOG_ERROR, "%s@%d: %s has it with other content; it stays as it is", item->model.name, (int)item->model.version,
             store_target_label(copy->settings->to->target));
}

static void settle_fault(void *ctx, size_t index, const char *fault)
{
    Copy *copy = ctx;
    DeliverItem *item = &copy->deliver.items[index];
    deliver_settle(&copy->deliver, item, ROW_FAILED, fault);
    log_line(LOG_ERROR, "%s@%d: %s; not copied", item->model.name, (int)item->model.version, fault);
}

/* A row of another program gets the digests that the others have. */
static bool load(void *ctx, size_t index, Spool *payload, const char **fault, Err *err)
{
    Copy *copy = ctx;
    StoredModel *model = &copy->deliver.items[index].model;
    Digest stored;
    if (!copy_source_load(&copy->source, copy->origin[index].row, payload, &stored, fault, err))
        return false;
    if (*fault != NULL || model->has_digests)
        return true;
    model->stored = stored;
    model->stored_bytes = payload->bytes;
    if (!model->is_gzip && !model->is_tar && !model->is_pickle)
        model->raw_bytes = payload->bytes;
    return true;
}

static const DeliverSource rows_of_a_store = {
    .load = load, .settle_fault = settle_fault, .vacant = decide_flag, .other = settle_other};

/* --- windows ----------------------------------------------------------------------------------------------------------------- */

static void add_row(Copy *copy, CopyName *name, const StoredModel *row)
{
    DeliverItem *item = &copy->deliver.items[copy->deliver.count];
    copy->origin[copy->deliver.count].row = row;
    copy->origin[copy->deliver.count++].name = name;
    *item = (DeliverItem){.model = *row};
    if (row->odd_created)
        item->model.created_ns = 0;
    else if (row->created_ns == 0) /* the first moment of 1970, which the destination stores without the nanosecond */
        item->model.created_ns = 1;
    item->model.chunk_count = store_chunk_count(row->stored_bytes, copy->inline_limit);
}

/* What is known of the destination is forgotten with each window, so that it does not grow with the source. */
static void fill_window(Copy *copy)
{
    CopySource *source = &copy->source;
    known_free(&copy->deliver.known);
    copy->deliver.count = 0;
    while (copy->next_name < source->name_count && copy->deliver.count < DELIVER_WINDOW_ROWS) {
        CopyName *name = &source->names[copy->next_name];
        add_row(copy, name, &name->rows[copy->next_row++]);
        if (copy->next_row == name->count) {
            copy->next_name++;
            copy->next_row = 0;
        }
    }
}

static bool report_window(Copy *copy, Err *err)
{
    for (size_t i = 0; i < copy->deliver.count; i++) {
        const DeliverItem *item = &copy->deliver.items[i];
        const StoredModel *model = &item->model;
        if (item->status == ROW_STORED) {
            copy->summary->raw_bytes += model->raw_bytes;
            copy->summary->stored_bytes += model->stored_bytes;
            if (copy->origin[i].row->odd_created)
                log_line(LOG_WARN, "%s@%d: its created_at is no time from 1677 to 2262; %s notes the moment of the copy",
                         model->name, (int)model->version, store_target_label(copy->settings->to->target));
            copy->summary->made_inactive += copy->origin[i].row->is_active && !model->is_active;
        }
        if (!copy->settings->fn(copy->settings->ctx, model, item->status, item->reason[0] != '\0' ? item->reason : NULL, err))
            return false;
    }
    return true;
}

static bool copy_rows(Copy *copy, Err *err)
{
    bool ok = true;
    uint64_t bytes = 0;
    for (size_t i = 0; i < copy->source.row_count; i++)
        bytes += copy->source.rows[i].stored_bytes;
    progress_phase("copying", copy->source.row_count, bytes);
    for (fill_window(copy); ok && copy->deliver.count > 0; fill_window(copy))
        ok = deliver_window(&copy->deliver, err) && report_window(copy, err);
    return ok;
}

/* --- the two stores ---------------------------------------------------------------------------------------------------------- */

static bool refuse_one_store(const Copy *copy, Err *err)
{
    return err_set(err, ERR_USAGE, "%s is both where to copy from and where to copy to",
                   store_target_label(copy->settings->to->target));
}

/* By whatever path: a hard link is another one. */
static bool is_one_file(const StoreTarget *from, const StoreTarget *to)
{
    const char *paths[] = {store_target_file(from), store_target_file(to)};
    struct stat status[2];
    return paths[0] != NULL && paths[1] != NULL && stat(paths[0], &status[0]) == 0 && stat(paths[1], &status[1]) == 0 &&
           status[0].st_dev == status[1].st_dev && status[0].st_ino == status[1].st_ino;
}

static bool refuse_same_place(const Copy *copy, Err *err)
{
    const Store *from = copy->source.store, *to = copy->deliver.store;
    return (strcmp(store_place(from), store_place(to)) != 0 && !is_one_file(store_target(from), store_target(to))) ||
           refuse_one_store(copy, err);
}

/* A server has many addresses. Of a file every copy has its identifier. */
static bool refuse_same_identity(const Copy *copy, Err *err)
{
    char to[STORE_IDENTITY_SIZE];
    if (store_target_file(copy->settings->to->target) != NULL)
        return true;
    return store_identity(copy->deliver.store, to, err) &&
           (to[0] == '\0' || strcmp(to, copy->source.identity) != 0 || refuse_one_store(copy, err));
}

static bool prepare_destination(void *ctx, Err *err)
{
    Copy *copy = ctx;
    const CopySettings *settings = copy->settings;
    SchemaState state;
    if (!refuse_same_identity(copy, err))
        return false;
    if (!settings->dry_run)
        return schema_make_ready(copy->deliver.store, settings->to->target, settings->upgrade, err);
    if (!schema_state(copy->deliver.store, &state, err))
        return false;
    if (state.kind == SCHEMA_UNKNOWN) /* no upgrade would help: the copy would stop here too */
        return schema_require_head(copy->deliver.store, settings->to->target, err);
    copy->deliver.is_empty = state.kind == SCHEMA_ABSENT && !state.has_models;
    return true;
}

/* A mistyped address must not leave a state folder. */
static bool open_state(Copy *copy, Err *err)
{
    const CopySettings *settings = copy->settings;
    char run_id[37];
    id_new_uuid(run_id);
    if (settings->dry_run)
        return true;
    if (!state_locate(settings->state_dir, NULL, settings->to->target, &copy->state, err))
        return false;
    bool meet_first = !settings->upgrade && !state_is_there(&copy->state) && store_target_file(settings->to->target) == NULL;
    return (!meet_first || retry_step(settings->to, &copy->deliver.store, prepare_destination, copy, err)) &&
           state_open(&copy->state, run_id, err);
}

static bool list_source(Copy *copy, Err *err)
{
    progress_phase("asking the database what it has", 0, 0);
    return copy_source_list(&copy->source, err);
}

static bool copy_all(Copy *copy, Err *err)
{
    const CopySettings *settings = copy->settings;
    Deliver *deliver = &copy->deliver;
    if (!store_inline_limit(settings->to->target, settings->inline_limit, &copy->inline_limit, err) ||
        !list_source(copy, err) || !retry_open(settings->to, &deliver->store, err) ||
        !refuse_same_place(copy, err) || !open_state(copy, err) ||
        !retry_step(settings->to, &deliver->store, prepare_destination, copy, err) || !deliver_init(deliver, err))
        return false;
    spool_init(&deliver->payload, share_for_payload(settings->max_memory), copy->state.temp_dir);
    bool ok = copy_rows(copy, err);
    spool_free(&deliver->payload);
    return ok;
}

static void sum_up(const Copy *copy, CopySummary *out)
{
    const uint64_t *settled = copy->deliver.settled;
    out->copied = settled[ROW_STORED];
    out->present = settled[ROW_PRESENT];
    out->conflict = settled[ROW_CONFLICT];
    out->failed = settled[ROW_FAILED];
}

bool copy_run(const CopySettings *settings, CopySummary *out, Err *err)
{
    Copy *copy = calloc(1, sizeof *copy);
    *out = (CopySummary){.from = store_target_label(settings->from->target), .dry_run = settings->dry_run};
    if (copy == NULL)
        return err_no_memory(err);
    copy->settings = copy->source.settings = settings;
    copy->summary = out;
    copy->state.lock.fd = -1;
    copy->deliver = (Deliver){.source = &rows_of_a_store,
                              .ctx = copy,
                              .retry = settings->to,
                              .batch_rows = settings->batch_rows,
                              .batch_bytes = settings->batch_bytes,
                              .dry_run = settings->dry_run};
    bool ok = copy_all(copy, err);
    if (!ok && (err->cls == ERR_INTERRUPTED || err->cls == ERR_UNREACHABLE) && err->hint[0] == '\0')
        err_hint(err, "what is committed stays; the same command does the rest");
    sum_up(copy, out);
    deliver_free(&copy->deliver);
    copy_source_free(&copy->source);
    state_close(&copy->state);
    free(copy);
    return ok;
}
