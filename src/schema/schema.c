#include "schema/schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ledger.h"

/* "migrate_" in ASCII: the lock that every release of the program takes. */
static const Ledger ours = {.table = "migrate_models_revisions", .lock = INT64_C(7883946363647714655)};

typedef struct Survey {
    const SchemaRevisions *known;
    bool *applied; /* for each of known */
    SchemaState *state;
} Survey;

static bool is_earlier(const SchemaRevision *revision, const char *checksum)
{
    return strlen(checksum) == strlen(revision->checksum) && strstr(revision->earlier, checksum) != NULL;
}

static bool note_applied(void *ctx, const char *id, const char *checksum, Err *err)
{
    Survey *survey = ctx;
    text_copy(survey->state->current, sizeof survey->state->current, id);
    for (size_t i = 0; i < survey->known->count; i++) {
        const SchemaRevision *revision = &survey->known->items[i];
        if (strcmp(revision->id, id) != 0)
            continue;
        survey->applied[i] = true;
        if (strcmp(revision->checksum, checksum) == 0 || is_earlier(revision, checksum))
            return true;
        err_set(err, ERR_SCHEMA, "revision %s was edited after it was applied (recorded %.12s, this program has %.12s)", id,
                checksum, revision->checksum);
        return err_hint(err, "use the release of the program that upgraded this database");
    }
    survey->state->kind = SCHEMA_UNKNOWN;
    return true;
}

static bool is_foreign(Store *store)
{
    return store_traits(store_target(store))->is_foreign;
}

/* A table of somebody else's is what it is: right, or of no use. */
static bool survey_foreign(Store *store, SchemaState *out, Err *err)
{
    bool ok = database_begin(store, false, err) && database_inspect(store, false, err);
    database_rollback(store);
    if (ok)
        *out = (SchemaState){.kind = SCHEMA_HEAD};
    return ok;
}

static bool survey_store(Store *store, const SchemaRevisions *known, bool *applied, SchemaState *out, Err *err)
{
    SchemaState state = {.kind = SCHEMA_ABSENT};
    Survey survey = {known, applied, &state};
    bool ok = database_begin(store, false, err) && database_inspect(store, false, err) &&
              ledger_applied(&ours, store, note_applied, &survey, err) &&
              database_has_table(store, "models", &state.has_models, err);
    database_rollback(store);
    if (!ok)
        return false;
    for (size_t i = 0; i < known->count; i++)
        state.pending += !applied[i];
    if (state.kind != SCHEMA_UNKNOWN && state.pending < known->count)
        state.kind = state.pending > 0 ? SCHEMA_BEHIND : SCHEMA_HEAD;
    *out = state;
    return true;
}

/* Both are freed by the caller, on failure too. */
static bool load(Store *store, SchemaRevisions *known, bool **applied, SchemaState *out, Err *err)
{
    if (!schema_revisions(store_traits(store_target(store))->dialect, known, err))
        return false;
    *applied = calloc(known->count + 1, sizeof **applied);
    return *applied != NULL ? survey_store(store, known, *applied, out, err) : err_no_memory(err);
}

bool schema_state(Store *store, SchemaState *out, Err *err)
{
    SchemaRevisions known = {0};
    bool *applied = NULL;
    if (is_foreign(store))
        return survey_foreign(store, out, err);
    bool ok = load(store, &known, &applied, out, err);
    free(applied);
    schema_revisions_free(&known);
    return ok;
}

static bool refuse_unknown(const SchemaState *state, const StoreTarget *target, Err *err)
{
    err_set(err, ERR_SCHEMA, "%s: the schema is at revision %s, which this program does not know", store_target_label(target),
            state->current);
    return err_hint(err, "use the release of the program that upgraded this database, or a newer one");
}

bool schema_require_head(Store *store, const StoreTarget *target, Err *err)
{
    SchemaState state;
    if (!schema_state(store, &state, err))
        return false;
    if (state.kind == SCHEMA_HEAD)
        return true;
    if (state.kind == SCHEMA_UNKNOWN)
        return refuse_unknown(&state, target, err);
    if (state.kind == SCHEMA_BEHIND)
        err_set(err, ERR_SCHEMA, "%s: the schema is at revision %s; %zu more to apply", store_target_label(target), state.current,
                state.pending);
    else
        err_set(err, ERR_SCHEMA, state.has_models ? "%s: the table models was not adopted yet" : "%s: the tables are not there yet",
                store_target_label(target));
    return err_remedy(err, REMEDY_UPGRADE);
}

/* Of the file that the revision is in. */
static unsigned line_of(const SchemaRevision *revision, size_t position)
{
    unsigned line = revision->first_line;
    for (size_t i = 0; i < position; i++)
        line += revision->upgrade[i] == '\n';
    return line;
}

static bool run_upgrade(Store *store, const SchemaRevision *revision, Err *err)
{
    size_t position;
    if (database_run(store, revision->upgrade, &position, err))
        return true;
    return position != SIZE_MAX ? err_prefix(err, "line %u", line_of(revision, position)) : false;
}

/* One transaction under the lock: runs the upgrade part and records the revision. *applied stays false when another process has
 * applied it meanwhile. */
static bool apply(Store *store, const SchemaRevision *revision, bool *applied, Err *err)
{
    bool there = false;
    StoreOutcome outcome;
    bool ok = database_begin_locked(store, ours.lock, err) && ledger_create(&ours, store, err) &&
              database_inspect(store, true, err) && ledger_has(&ours, store, revision, &there, err);
    if (ok && !there)
        ok = run_upgrade(store, revision, err) && ledger_add(&ours, store, revision, err) && database_commit(store, &outcome, err);
    *applied = ok && !there;
    if (!*applied)
        database_rollback(store);
    if (!ok && err != NULL && err->cls != ERR_RETRY)
        err_prefix(err, "revision %s", revision->id);
    return ok;
}

bool schema_upgrade(Store *store, SchemaAppliedFn fn, void *ctx, Err *err)
{
    SchemaRevisions known = {0};
    SchemaState state;
    bool *there = NULL;
    if (is_foreign(store))
        return err_set(err, ERR_USAGE, "%s: nothing of ours is made in a table of somebody else's",
                       store_target_label(store_target(store)));
    bool ok = load(store, &known, &there, &state, err);
    if (ok && state.kind == SCHEMA_UNKNOWN)
        ok = refuse_unknown(&state, store_target(store), err);
    for (size_t i = 0; ok && i < known.count; i++) {
        bool applied = false;
        if (there[i])
            continue;
        ok = apply(store, &known.items[i], &applied, err);
        if (ok && applied && fn != NULL)
            ok = fn(ctx, &known.items[i], err);
    }
    free(there);
    schema_revisions_free(&known);
    return ok;
}

static bool is_blank(Store *store, bool *blank, Err *err)
{
    bool ok = database_begin(store, false, err) && database_is_blank(store, blank, err);
    database_rollback(store);
    return ok;
}

bool schema_make_ready(Store *store, const StoreTarget *target, bool upgrade, Err *err)
{
    bool blank = false;
    if (!upgrade && !is_blank(store, &blank, err))
        return false;
    return upgrade || blank ? schema_upgrade(store, NULL, NULL, err) : schema_require_head(store, target, err);
}
