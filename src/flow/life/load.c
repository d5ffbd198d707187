#include "flow/life.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "store/lifecycle.h"

static const char *keep(Life *life, const char *text, Err *err)
{
    return arena_copy(&life->strings, text, strlen(text), err);
}

static bool note_row(void *ctx, const StoreLife *row, Err *err)
{
    Life *life = ctx;
    LifeRow copy = {.version = row->version,
                    .active = row->is_active,
                    .wanted = row->is_active,
                    .at_us = row->created_us,
                    .has_content = row->has_content,
                    .content = row->content,
                    .source_host = keep(life, row->source_host, err),
                    .source_path = keep(life, row->source_path, err),
                    .run_id = keep(life, row->run_id, err),
                    .model_type = keep(life, row->model_type, err),
                    .event = keep(life, row->event, err)};
    LifeRow *added = copy.source_host != NULL && copy.source_path != NULL && copy.run_id != NULL && copy.model_type != NULL &&
                             copy.event != NULL
                         ? vec_push(&life->rows, err)
                         : NULL;
    if (added != NULL)
        *added = copy;
    return added != NULL;
}

static bool note_alias(void *ctx, const StoreAlias *alias, Err *err)
{
    Life *life = ctx;
    LifeAlias copy = {
        .version = alias->version, .alias = keep(life, alias->alias, err), .set_by = keep(life, alias->set_by, err)};
    LifeAlias *added = copy.alias != NULL && copy.set_by != NULL ? vec_push(&life->aliases, err) : NULL;
    if (added != NULL)
        *added = copy;
    return added != NULL;
}

static bool note_event(void *ctx, const StoreEvent *event, Err *err)
{
    Life *life = ctx;
    LifeEvent copy = {.version = event->version, .was_live = event->was_live, .now_live = event->now_live, .at_us = event->at_us};
    const char **texts[] = {&copy.action, &copy.change_id, &copy.source_host, &copy.source_path,
                            &copy.actor,  &copy.reason,    &copy.detail};
    const char *given[] = {event->action, event->change_id, event->source_host, event->source_path,
                           event->actor,  event->reason,    event->detail};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if ((*texts[i] = keep(life, given[i], err)) == NULL)
            return false;
    LifeEvent *added = vec_push(&life->events, err);
    if (added != NULL)
        *added = copy;
    return added != NULL;
}

bool life_load(Store *store, const char *name, Life *out, Err *err)
{
    *out = (Life){.name = name};
    if (store_lives(store, name, note_row, out, err) && store_aliases(store, name, note_alias, out, err) &&
        store_events(store, name, note_event, out, err))
        return true;
    life_free(out);
    return false;
}

static bool count_row(void *ctx, const StoreLife *row, Err *err)
{
    (void)row;
    (void)err;
    ++*(size_t *)ctx;
    return true;
}

static bool set_name(LifeRef *ref, const char *text, size_t len, Err *err)
{
    if (len == 0 || len >= sizeof ref->name)
        return err_set(err, ERR_USAGE, "\"%s\" names no model; give NAME, NAME@VERSION, NAME@latest or NAME@ALIAS", text);
    memcpy(ref->name, text, len);
    ref->name[len] = '\0';
    return true;
}

bool life_parse(Store *store, const char *text, LifeRef *out, Err *err)
{
    const char *at = strrchr(text, '@');
    int64_t version = 0;
    size_t whole = 0, len = at != NULL ? (size_t)(at - text) : strlen(text);
    *out = (LifeRef){.pick = LIFE_PICK_LIVE, .version = LIFE_NONE};
    if (at == NULL || strcmp(at + 1, "live") == 0)
        return set_name(out, text, len, err);
    if (strcmp(at + 1, "latest") == 0) {
        out->pick = LIFE_PICK_LATEST;
        return set_name(out, text, len, err);
    }
    if (text_parse_int(at + 1, 0, INT32_MAX, &version)) {
        out->pick = LIFE_PICK_NUMBER;
        out->version = (int32_t)version;
        return set_name(out, text, len, err);
    }
    if (!store_lives(store, text, count_row, &whole, err))
        return false;
    if (whole > 0 || len == 0 || !text_copy(out->alias, sizeof out->alias, at + 1))
        return set_name(out, text, strlen(text), err);
    out->pick = LIFE_PICK_ALIAS;
    return set_name(out, text, len, err);
}

/* "1, 2, 5 (live)" */
static void list_versions(const Life *life, char *out, size_t cap)
{
    size_t used = 0, first = life->rows.count > 20 ? life->rows.count - 20 : 0;
    out[0] = '\0';
    for (size_t i = first; i < life->rows.count && used < cap; i++) {
        const LifeRow *row = &life->rows.items[i];
        used += (size_t)snprintf(out + used, cap - used, "%s%d%s", i > first ? ", " : first > 0 ? "…, " : "", (int)row->version,
                                 row->version == life_live(life) ? " (live)" : row->active ? "" : " (inactive)");
    }
}

bool life_pick(const Life *life, const LifeRef *ref, int32_t *version, Err *err)
{
    char versions[400];
    const LifeAlias *alias = ref->pick == LIFE_PICK_ALIAS ? life_alias(life, ref->alias) : NULL;
    *version = ref->pick == LIFE_PICK_LIVE     ? life_live(life)
               : ref->pick == LIFE_PICK_LATEST ? life_latest(life)
               : ref->pick == LIFE_PICK_NUMBER ? ref->version
               : alias != NULL                 ? alias->version
                                               : LIFE_NONE;
    if (life->rows.count == 0) {
        err_set(err, ERR_STOP, "%s: is not stored", ref->name);
        return err_hint(err, "a name has the folders of its path (sub/NAME); ls lists all that is stored");
    }
    if (*version != LIFE_NONE && life_row(life, *version) != NULL)
        return true;
    list_versions(life, versions, sizeof versions);
    if (ref->pick == LIFE_PICK_LIVE)
        return err_set(err, ERR_STOP, "%s: no version is live; there are %s", ref->name, versions);
    if (ref->pick == LIFE_PICK_ALIAS)
        return err_set(err, ERR_STOP, "%s: has no alias %s; there are the versions %s", ref->name, ref->alias, versions);
    return err_set(err, ERR_STOP, "%s@%d: is not stored; there are %s", ref->name, (int)*version, versions);
}
