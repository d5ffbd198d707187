#include "schema/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "embedded.h"

/* --- files ------------------------------------------------------------------------------------------------------------------- */

/* The start of the line that begins with `prefix`, NULL if there is none before `end`. */
static const char *find_line(const char *text, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);
    for (const char *line = text; line < end; line++) {
        if ((size_t)(end - line) >= len && memcmp(line, prefix, len) == 0)
            return line;
        line = memchr(line, '\n', (size_t)(end - line));
        if (line == NULL)
            break;
    }
    return NULL;
}

/* The value of a line `-- key: value`, NULL and *err when it is missing or empty. */
static const char *header_value(const char *text, const char *end, const char *key, const char *file, Arena *arena, Err *err)
{
    const char *line = find_line(text, end, key);
    size_t len = 0;
    if (line != NULL) {
        line += strlen(key);
        line += strspn(line, " ");
        len = strcspn(line, " \r\n");
    }
    if (len == 0) {
        err_set(err, ERR_STOP, "%s: no line `%s ...`", file, key);
        return NULL;
    }
    return arena_copy(arena, line, len, err);
}

/* The same for a line that may be missing: "" then. */
static const char *optional_value(const char *text, const char *end, const char *key, const char *file, Arena *arena, Err *err)
{
    return find_line(text, end, key) != NULL ? header_value(text, end, key, file, arena, err) : "";
}

/* "models" of "0001_models.sql". */
static const char *slug_of(const char *file, Arena *arena, Err *err)
{
    const char *start = strchr(file, '_');
    start = start != NULL ? start + 1 : file;
    size_t len = strlen(start);
    return arena_copy(arena, start, text_ends_with(start, ".sql") ? len - 4 : len, err);
}

bool schema_parse(const char *file, const char *text, const char *checksum, Arena *arena, StoreRevision *out, Err *err)
{
    const char *end = text + strlen(text);
    const char *up = find_line(text, end, "-- upgrade\n"), *down = up != NULL ? find_line(up, end, "-- downgrade\n") : NULL;
    StoreRevision found = {0};
    if (down == NULL)
        return err_set(err, ERR_STOP, "%s: a line `-- upgrade` and behind it a line `-- downgrade` must be there", file);
    found.id = header_value(text, up, "-- revision:", file, arena, err);
    found.down_id = found.id != NULL ? header_value(text, up, "-- down_revision:", file, arena, err) : NULL;
    if (found.down_id == NULL)
        return false;
    if (strcmp(found.down_id, "none") == 0)
        found.down_id = NULL;
    found.slug = slug_of(file, arena, err);
    found.checksum = arena_copy(arena, checksum, strlen(checksum), err);
    found.earlier = optional_value(text, up, "-- earlier:", file, arena, err);
    found.upgrade = arena_copy(arena, up, (size_t)(down - up), err);
    found.downgrade = arena_copy(arena, down, (size_t)(end - down), err);
    if (found.slug == NULL || found.checksum == NULL || found.earlier == NULL || found.upgrade == NULL || found.downgrade == NULL)
        return false;
    *out = found;
    return true;
}

static bool follows(const StoreRevision *revision, const StoreRevision *before)
{
    if (before == NULL || revision->down_id == NULL)
        return before == NULL && revision->down_id == NULL;
    return strcmp(revision->down_id, before->id) == 0;
}

bool schema_revisions(const char *dialect, SchemaRevisions *out, Err *err)
{
    SchemaRevisions list = {0};
    RevisionFile file;
    size_t count = 0;
    while (revision_file(dialect, count, &file))
        count++;
    list.items = calloc(count + 1, sizeof *list.items);
    bool ok = list.items != NULL || err_no_memory(err);
    for (; ok && list.count < count; list.count++) {
        StoreRevision *revision = &list.items[list.count];
        ok = revision_file(dialect, list.count, &file) &&
             schema_parse(file.file, file.text, file.checksum, &list.arena, revision, err);
        if (ok && !follows(revision, list.count > 0 ? revision - 1 : NULL))
            ok = err_set(err, ERR_BUG, "%s does not follow the revision before it", file.file);
    }
    if (ok)
        *out = list;
    else
        schema_revisions_free(&list);
    return ok;
}

void schema_revisions_free(SchemaRevisions *revisions)
{
    free(revisions->items);
    arena_free(&revisions->arena);
    *revisions = (SchemaRevisions){0};
}

/* --- the store's side -------------------------------------------------------------------------------------------------------- */

typedef struct Survey {
    const SchemaRevisions *known;
    bool *applied; /* for each of known */
    SchemaState *state;
} Survey;

static bool note_applied(void *ctx, const char *id, const char *checksum, Err *err)
{
    Survey *survey = ctx;
    text_copy(survey->state->current, sizeof survey->state->current, id);
    for (size_t i = 0; i < survey->known->count; i++) {
        const StoreRevision *revision = &survey->known->items[i];
        if (strcmp(revision->id, id) != 0)
            continue;
        survey->applied[i] = true;
        if (strcmp(revision->checksum, checksum) == 0 || strcmp(revision->earlier, checksum) == 0)
            return true;
        err_set(err, ERR_SCHEMA, "revision %s was edited after it was applied (recorded %.12s, this program has %.12s)", id,
                checksum, revision->checksum);
        return err_hint(err, "use the release of the program that upgraded this database");
    }
    survey->state->kind = SCHEMA_UNKNOWN;
    return true;
}

static bool survey_store(Store *store, const SchemaRevisions *known, bool *applied, SchemaState *out, Err *err)
{
    SchemaState state = {.kind = SCHEMA_ABSENT};
    Survey survey = {known, applied, &state};
    if (!store_schema_applied(store, note_applied, &survey, &state.has_models, err))
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

bool schema_upgrade(Store *store, SchemaAppliedFn fn, void *ctx, Err *err)
{
    SchemaRevisions known = {0};
    SchemaState state;
    bool *there = NULL;
    bool ok = load(store, &known, &there, &state, err);
    if (ok && state.kind == SCHEMA_UNKNOWN)
        ok = refuse_unknown(&state, store_target(store), err);
    for (size_t i = 0; ok && i < known.count; i++) {
        bool applied = false;
        if (there[i])
            continue;
        ok = store_schema_upgrade(store, &known.items[i], &applied, err);
        if (ok && applied && fn != NULL)
            ok = fn(ctx, &known.items[i], err);
    }
    free(there);
    schema_revisions_free(&known);
    return ok;
}
