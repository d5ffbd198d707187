#include "known.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static KnownContent content_of(const StoredModel *model)
{
    return (KnownContent){.content = model->content,
                          .members = model->members,
                          .has_format = model->has_format,
                          .is_tar = model->is_tar,
                          .has_members = model->has_members};
}

/* What one of the two does not know is not compared. */
static bool is_same(const KnownContent *a, const KnownContent *b)
{
    return digest_equal(&a->content, &b->content) && (!a->has_format || !b->has_format || a->is_tar == b->is_tar) &&
           (!a->has_members || !b->has_members || digest_equal(&a->members, &b->members));
}

static const char *version_key(Known *known, const char *name, int32_t version, Err *err)
{
    buf_clear(&known->key);
    return buf_format(&known->key, err, "%s\n%d", name, (int)version) ? known->key.data : NULL;
}

static const char *content_key(Known *known, const char *name, const Digest *content, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(content, hex);
    buf_clear(&known->key);
    return buf_format(&known->key, err, "%s\n%s", name, hex) ? known->key.data : NULL;
}

/* The key in known->key, unless it is there. */
static bool add_key(Known *known, StrMap *map, uint32_t value, Err *err)
{
    if (strmap_get(map, known->key.data) != STRMAP_NONE)
        return true;
    const char *key = arena_copy(&known->arena, known->key.data, known->key.len, err);
    return key != NULL && strmap_add(map, key, value, NULL, err);
}

static bool note(Known *known, const char *name, int32_t version, const KnownContent *content, Err *err)
{
    if (version_key(known, name, version, err) == NULL ||
        !vec_grow(&known->contents, &known->cap, known->count, 1, sizeof *content, err) ||
        !add_key(known, &known->versions, (uint32_t)known->count, err))
        return false;
    known->contents[known->count++] = *content;
    uint32_t index = strmap_get(&known->names, name);
    if (index != STRMAP_NONE)
        known->name_counts.items[index]++;
    return content_key(known, name, &content->content, err) != NULL && add_key(known, &known->held, 0, err);
}

static bool note_found(void *ctx, const StoreVersion *found, Err *err)
{
    KnownContent content = {.content = found->content,
                            .members = found->members,
                            .has_format = found->has_format,
                            .is_tar = found->is_tar,
                            .has_members = found->has_members};
    return note(ctx, found->name, found->version, &content, err);
}

bool known_ask(Known *known, Store *store, const char *const *names, size_t count, Err *err)
{
    const char **fresh = calloc(count, sizeof *fresh);
    size_t fresh_count = 0;
    bool ok = fresh != NULL || err_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) {
        uint32_t asked = strmap_get(&known->names, names[i]);
        const char *name = asked == STRMAP_NONE ? arena_copy(&known->arena, names[i], strlen(names[i]), err) : NULL;
        if (asked != STRMAP_NONE)
            continue;
        uint32_t *versions = name != NULL ? vec_push(&known->name_counts, err) : NULL;
        if (versions != NULL)
            *versions = 0;
        ok = versions != NULL && strmap_add(&known->names, name, (uint32_t)known->name_counts.count - 1, NULL, err);
        fresh[fresh_count++] = name;
    }
    ok = ok && (fresh_count == 0 || store_find(store, fresh, fresh_count, note_found, known, err));
    free(fresh);
    return ok;
}

bool known_add(Known *known, const StoredModel *model, Err *err)
{
    KnownContent content = content_of(model);
    return note(known, model->name, model->version, &content, err);
}

bool known_version(Known *known, const StoredModel *model, KnownAnswer *answer, Err *err)
{
    KnownContent content = content_of(model);
    const char *key = version_key(known, model->name, model->version, err);
    if (key == NULL)
        return false;
    uint32_t index = strmap_get(&known->versions, key);
    *answer = index == STRMAP_NONE ? KNOWN_FREE : is_same(&known->contents[index], &content) ? KNOWN_SAME : KNOWN_OTHER;
    return true;
}

bool known_holds(Known *known, const StoredModel *model, bool *holds, Err *err)
{
    const char *key = content_key(known, model->name, &model->content, err);
    if (key == NULL)
        return false;
    *holds = strmap_get(&known->held, key) != STRMAP_NONE;
    return true;
}

uint32_t known_count(const Known *known, const char *name)
{
    uint32_t index = strmap_get(&known->names, name);
    return index != STRMAP_NONE ? known->name_counts.items[index] : 0;
}

void known_free(Known *known)
{
    free(known->name_counts.items);
    strmap_free(&known->names);
    strmap_free(&known->versions);
    strmap_free(&known->held);
    arena_free(&known->arena);
    buf_free(&known->key);
    free(known->contents);
    *known = (Known){0};
}
