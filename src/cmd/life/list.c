/* list.c: the commands `ls`, `info` and `history`. */
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/interrupt.h"
#include "life.h"
#include "store/lifecycle.h"

/* --- ls ---------------------------------------------------------------------------------------------------------------------- */

/* The versions of the name that is being read, and all aliases. */
typedef struct Listing {
    CommandContext *context;
    Lines lines;
    VEC(StoredModel) rows; /* of one name, rising */
    Arena strings;         /* of rows */
    VEC(StoreAlias) aliases;
    Arena alias_strings;
    LifeTotals totals;
} Listing;

static bool note_alias(void *ctx, const StoreAlias *alias, Err *err)
{
    Listing *listing = ctx;
    StoreAlias copy = {.version = alias->version,
                       .name = arena_copy(&listing->alias_strings, alias->name, strlen(alias->name), err),
                       .alias = arena_copy(&listing->alias_strings, alias->alias, strlen(alias->alias), err)};
    StoreAlias *added = copy.name != NULL && copy.alias != NULL ? vec_push(&listing->aliases, err) : NULL;
    if (added != NULL)
        *added = copy;
    return added != NULL;
}

/* The first alias of the name; they are in the order of names. */
static size_t first_alias(const Listing *listing, const char *name)
{
    size_t low = 0, high = listing->aliases.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(listing->aliases.items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Of this version, joined by commas; the hold is one of the name. */
static bool join_aliases(const Listing *listing, const StoredModel *row, Buf *out, bool *held, Err *err)
{
    *held = false;
    buf_clear(out);
    if (!buf_text(out, "", err))
        return false;
    for (size_t i = first_alias(listing, row->name); i < listing->aliases.count; i++) {
        const StoreAlias *alias = &listing->aliases.items[i];
        if (strcmp(alias->name, row->name) != 0)
            break;
        if (strcmp(alias->alias, LIFE_HELD) == 0)
            *held = true;
        else if (alias->version == row->version && !buf_format(out, err, "%s%s", out->len > 0 ? "," : "", alias->alias))
            return false;
    }
    return true;
}

static bool is_wanted_text(const char *wanted, const char *value)
{
    return wanted == NULL || strcmp(wanted, value) == 0;
}

static bool is_wanted(const Listing *listing, const StoredModel *row)
{
    const Options *options = listing->context->options;
    return is_wanted_text(options->type, row->model_type) && is_wanted_text(options->event, row->event) &&
           is_wanted_text(options->run, row->run_id) && (!options->only_active || row->is_active) &&
           (!options->only_inactive || !row->is_active);
}

static bool say_row(Listing *listing, const StoredModel *row, int32_t live, Buf *marks, Err *err)
{
    LifeListed listed = {.row = row, .is_live = row->version == live, .versions = listing->rows.count};
    if (!is_wanted(listing, row))
        return true;
    if (!join_aliases(listing, row, marks, &listed.is_held, err))
        return false;
    listed.marks = marks->data;
    listing->totals.versions++;
    listing->totals.raw_bytes += row->raw_bytes;
    listing->totals.stored_bytes += row->stored_bytes;
    return lines_life_listed(&listing->lines, &listed, err);
}

/* Every version, or the live one; of a name without a live one the highest. */
static bool end_name(Listing *listing, Err *err)
{
    const Options *options = listing->context->options;
    int32_t live = LIFE_NONE;
    Buf marks = {0};
    bool ok = true, every = options->all || options->only_inactive || options->run != NULL;
    uint64_t before = listing->totals.versions;
    for (size_t i = 0; i < listing->rows.count; i++)
        if (listing->rows.items[i].is_active)
            live = listing->rows.items[i].version;
    for (size_t i = 0; ok && i < listing->rows.count; i++) {
        const StoredModel *row = &listing->rows.items[i];
        if (every || row->version == live || (live == LIFE_NONE && i + 1 == listing->rows.count))
            ok = say_row(listing, row, live, &marks, err);
    }
    listing->totals.names += listing->totals.versions > before;
    buf_free(&marks);
    listing->rows.count = 0;
    arena_free(&listing->strings);
    return ok;
}

static bool matches(const Listing *listing, const char *name)
{
    const StringList *globs = &listing->context->options->arguments;
    for (size_t i = 0; i < globs->count; i++)
        if (glob_match(globs->items[i], name))
            return true;
    return globs->count == 0;
}

static bool note_row(void *ctx, const StoredModel *row, Err *err)
{
    Listing *listing = ctx;
    if (!interrupt_check(err))
        return false;
    if (listing->rows.count > 0 && strcmp(listing->rows.items[0].name, row->name) != 0 && !end_name(listing, err))
        return false;
    if (!matches(listing, row->name))
        return true;
    StoredModel *added = vec_push(&listing->rows, err);
    if (added == NULL)
        return false;
    if (stored_model_copy(&listing->strings, row, NULL, added, err))
        return true;
    listing->rows.count--;
    return false;
}

static bool read_aliases(void *ctx, Err *err)
{
    Listing *listing = ctx;
    listing->aliases.count = 0;
    bool ok = store_read_begin(listing->context->store, err) &&
              store_aliases(listing->context->store, NULL, note_alias, listing, err);
    store_rollback(listing->context->store);
    return ok;
}

bool cmd_ls_options(const Options *options, Err *err)
{
    return !options->only_active || !options->only_inactive ||
           err_set(err, ERR_USAGE, "--active and --inactive together leave nothing");
}

/* What was printed cannot be taken back: a session that is lost in between ends the command. */
bool cmd_ls(CommandContext *context, Err *err)
{
    Listing listing = {.context = context, .lines = command_lines(context)};
    bool ok = retry_step(&context->retry, &context->store, read_aliases, &listing, err) &&
              store_list(context->store, NULL, note_row, &listing, err) && end_name(&listing, err) &&
              lines_life_totals(&listing.lines, &listing.totals, err);
    if (!ok && err->cls == ERR_RETRY)
        err->cls = ERR_UNREACHABLE;
    free(listing.rows.items);
    free(listing.aliases.items);
    arena_free(&listing.strings);
    arena_free(&listing.alias_strings);
    return ok;
}

/* --- info -------------------------------------------------------------------------------------------------------------------- */

typedef struct Info {
    CommandContext *context;
    LifeRef ref;
    Life life;
    int32_t version;
    StoredModel row;
    bool found;
    Arena strings;
} Info;

static void forget(Info *info)
{
    life_free(&info->life);
    arena_free(&info->strings);
    info->found = false;
}

static bool keep_row(void *ctx, const StoredModel *row, Err *err)
{
    Info *info = ctx;
    info->found = stored_model_copy(&info->strings, row, NULL, &info->row, err);
    return info->found;
}

static bool read_one(void *ctx, Err *err)
{
    Info *info = ctx;
    Store *store = info->context->store;
    const char *names[] = {info->ref.name};
    forget(info);
    bool ok = store_read_begin(store, err) && life_parse(store, info->context->options->arguments.items[0], &info->ref, err) &&
              life_load(store, info->ref.name, &info->life, err);
    if (ok && info->ref.pick == LIFE_PICK_LIVE && life_live(&info->life) == LIFE_NONE)
        info->ref.pick = LIFE_PICK_LATEST; /* a name of which nothing is live is looked at, too */
    ok = ok && life_pick(&info->life, &info->ref, &info->version, err);
    store_rollback(store);
    StoreFilter filter = {.names = names, .count = 1, .version = &info->version};
    return ok && store_list(store, &filter, keep_row, info, err) &&
           (info->found || err_set(err, ERR_STOP, "%s@%d: is not stored", info->ref.name, (int)info->version));
}

static bool say_info(const Info *info, Err *err)
{
    Lines lines = command_lines(info->context);
    LifeListed listed = {.row = &info->row,
                         .is_live = life_live(&info->life) == info->version,
                         .is_held = life_is_held(&info->life),
                         .versions = info->life.rows.count};
    Buf marks = {0};
    bool ok = buf_text(&marks, "", err);
    for (size_t i = 0; ok && i < info->life.aliases.count; i++) {
        const LifeAlias *alias = &info->life.aliases.items[i];
        if (alias->version == info->version && strcmp(alias->alias, LIFE_HELD) != 0)
            ok = buf_format(&marks, err, "%s%s", marks.len > 0 ? "," : "", alias->alias);
    }
    listed.marks = marks.data;
    ok = ok && lines_life_info(&lines, &listed, &info->life, err);
    buf_free(&marks);
    return ok;
}

bool cmd_info(CommandContext *context, Err *err)
{
    Info info = {.context = context};
    bool ok = retry_step(&context->retry, &context->store, read_one, &info, err) && say_info(&info, err);
    forget(&info);
    return ok;
}

/* --- history ----------------------------------------------------------------------------------------------------------------- */

/* A version that was stored: its row is the record. */
static LifeEvent as_event(const LifeRow *row)
{
    return (LifeEvent){.action = "stored",
                       .version = row->version,
                       .was_live = LIFE_NONE,
                       .now_live = LIFE_NONE,
                       .at_us = row->at_us,
                       .actor = row->source_host,
                       .source_path = row->source_path,
                       .change_id = "",
                       .reason = "",
                       .detail = ""};
}

/* Rows and events of one name, by their times. */
static bool say_life(const Lines *lines, const Life *life, uint64_t *count, Err *err)
{
    size_t r = 0, e = 0;
    while (r < life->rows.count || e < life->events.count) {
        const LifeRow *row = r < life->rows.count ? &life->rows.items[r] : NULL;
        const LifeEvent *event = e < life->events.count ? &life->events.items[e] : NULL;
        bool takes_row = event == NULL || (row != NULL && row->at_us <= event->at_us);
        LifeEvent stored = takes_row ? as_event(row) : *event;
        ++*count;
        if (!lines_life_history(lines, life->name, &stored, err))
            return false;
        r += takes_row;
        e += !takes_row;
    }
    return true;
}

typedef struct Names {
    CommandContext *context;
    const char *one; /* the only name, NULL = all */
    VEC(const char *) items;
    Arena strings;
} Names;

static bool add_name(Names *names, const char *name, Err *err)
{
    if (names->items.count > 0 && strcmp(names->items.items[names->items.count - 1], name) == 0)
        return true;
    const char *copy = arena_copy(&names->strings, name, strlen(name), err);
    const char **added = copy != NULL ? vec_push(&names->items, err) : NULL;
    if (added != NULL)
        *added = copy;
    return added != NULL;
}

static bool name_of_row(void *ctx, const StoreLife *row, Err *err)
{
    return add_name(ctx, row->name, err);
}

static bool name_of_event(void *ctx, const StoreEvent *event, Err *err)
{
    return add_name(ctx, event->name, err);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of rows that are gone have a history, too. */
static bool read_names(void *ctx, Err *err)
{
    Names *names = ctx;
    Store *store = names->context->store;
    names->items.count = 0;
    bool ok = store_read_begin(store, err) && store_lives(store, names->one, name_of_row, names, err) &&
              store_events(store, names->one, name_of_event, names, err);
    store_rollback(store);
    qsort(names->items.items, names->items.count, sizeof *names->items.items, by_bytes);
    return ok;
}

static bool say_names(const Names *names, Err *err)
{
    Lines lines = command_lines(names->context);
    Store *store = names->context->store;
    uint64_t count = 0;
    bool ok = store_read_begin(store, err);
    for (size_t i = 0; ok && i < names->items.count; i++) {
        Life life;
        if (i > 0 && strcmp(names->items.items[i], names->items.items[i - 1]) == 0)
            continue;
        ok = life_load(store, names->items.items[i], &life, err);
        if (ok) {
            ok = say_life(&lines, &life, &count, err);
            life_free(&life);
        }
    }
    store_rollback(store);
    return ok && lines_life_history_end(&lines, count, err);
}

bool cmd_history(CommandContext *context, Err *err)
{
    Names names = {.context = context, .one = context->options->arguments.count > 0 ? context->options->arguments.items[0] : NULL};
    bool ok = retry_step(&context->retry, &context->store, read_names, &names, err);
    if (ok && names.one != NULL && names.items.count == 0) {
        ok = err_set(err, ERR_STOP, "%s: is not stored, and never was", names.one);
        err_hint(err, "a name has the folders of its path (sub/NAME); ls lists all that is stored");
    }
    ok = ok && say_names(&names, err);
    if (!ok && err->cls == ERR_RETRY)
        err->cls = ERR_UNREACHABLE;
    free(names.items.items);
    arena_free(&names.strings);
    return ok;
}
