/* plan_unit.h: a tree and a store in a few words, for the tests of the list of work. */
#ifndef PLAN_UNIT_H
#define PLAN_UNIT_H

#include "model/plan.h"

#include "unit.h"

static ModelList list;
static Plan *plan;
static Err err;

static inline Digest digest_of(char seed)
{
    Digest digest;
    memset(digest.byte, seed, sizeof digest.byte);
    return digest;
}

static inline Model *add_as(ModelKind kind, const char *path, const char *name, int32_t version)
{
    Model *model = model_list_add(&list, path, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    model->kind = (uint8_t)kind;
    model->version = version;
    model->explicit_version = version != VERSION_AUTO;
    model->name = arena_copy(&list.arena, name, strlen(name), &err);
    model->stamp.size = 100;
    ck_assert_ptr_nonnull(model->name);
    return model;
}

static inline void add(const char *path, const char *name, int32_t version)
{
    add_as(MODEL_FILE, path, name, version);
}

static inline void begin(OnChange on_change)
{
    ck_ok(plan_new(&list, NULL, on_change, &plan, &err));
}

/* format: 'f' file, 't' tar, '?' not recorded. */
static inline void store_as(char format, const char *name, int32_t version, char content)
{
    StoreVersion row = {.name = name, .source_path = "", .version = version, .content = digest_of(content), .has_format = format != '?',
                        .is_tar = format == 't'};
    ck_ok(plan_add_stored(plan, &row, &err));
}

static inline void stored(const char *name, int32_t version, char content)
{
    store_as('f', name, version, content);
}

/* A file, and the path that it was stored from. */
static inline void stored_from(const char *path, const char *name, int32_t version, char content)
{
    StoreVersion row = {.name = name, .source_path = path, .version = version, .content = digest_of(content), .has_format = true};
    ck_ok(plan_add_stored(plan, &row, &err));
}

/* A directory. */
static inline void store_members(const char *name, int32_t version, char content, char members)
{
    StoreVersion row = {.name = name, .source_path = "", .version = version, .content = digest_of(content), .has_format = true, .is_tar = true,
                        .has_members = true, .members = digest_of(members)};
    ck_ok(plan_add_stored(plan, &row, &err));
}

/* The group that has the model. */
static inline uint32_t group_of(uint32_t model)
{
    for (uint32_t g = 0; g < list.count; g++)
        for (uint32_t i = plan_first(plan, g); i != UINT32_MAX; i = list.items[i].next)
            if (i == model)
                return g;
    ck_abort_msg("model %u has no group", model);
}

/* The model was read: this is its content. A worker notes what it stores. */
static inline const Model *decide(uint32_t index, char content)
{
    Model *model = &list.items[index];
    Digest digest = digest_of(content);
    uint32_t group = group_of(index);
    ck_ok(model_set_content(model, &digest, NULL, &err));
    plan_decide(plan, group, model);
    if (model->state == MODEL_NEW) {
        Content known = model_content(model);
        ck_ok(plan_note_version(plan, group, model->version, &known, &err));
    }
    return model;
}

static inline void expect(const Model *model, ModelState state, int32_t version, const char *part_of_reason)
{
    const char *reason = model->reason != NULL ? model->reason : "";
    ck_assert_msg(model->state == state, "%s is %s: %s", model->path, model_state_name((ModelState)model->state), reason);
    ck_assert_msg(model->version == version, "%s has version %d", model->path, (int)model->version);
    ck_assert_msg(part_of_reason == NULL ? model->reason == NULL : strstr(reason, part_of_reason) != NULL, "%s: reason \"%s\"",
                  model->path, reason);
}

static inline void end(void)
{
    plan_free(plan);
    model_list_free(&list);
    plan = NULL;
}

#endif
