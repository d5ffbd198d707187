/* plan_parts.h: what the files of the plan share: plan.c groups, settles and decides, plan_keys.c moves sources to the keys under
 * which the store has them. */
#ifndef SRC_MODEL_PLAN_PARTS_H
#define SRC_MODEL_PLAN_PARTS_H

#include "base/strmap.h"
#include "base/vec.h"
#include "group.h"
#include "model/plan.h"
#include "model/stored_key.h"

struct Plan {
    ModelList *list; /* borrowed */
    OnChange on_change;
    Group *groups;
    uint32_t group_count;
    size_t group_cap; /* as many as there are models, and those that go by another name */
    StrMap by_name;
    const NameMap *map;      /* borrowed; NULL = none */
    Group *earlier;          /* what the store has under keys that an earlier version of this program gave: rows only */
    const char **earlier_names; /* of them */
    uint32_t earlier_count;
    StrMap earlier_by_name;
    bool keys_used;          /* each source has its key: what comes later changes none, and workers share the plan */
    StoredKeys stored_keys;  /* of rows whose names and sources are not as usual */
    VEC(uint32_t) plain;     /* groups whose folders are versions, and whose name the store has from a file without one */
    uint32_t *work; /* groups with something to read */
    uint32_t work_count;
    uint64_t work_bytes;
};

/* Into the group of its name, which is made when there is none; it is not sorted. */
bool plan_add_model(Plan *plan, uint32_t index, Err *err);

/* A row of the store may say that its source goes by another key than the tree says. group: of its name, or STRMAP_NONE. */
bool plan_note_source(Plan *plan, uint32_t group, const StoreVersion *stored, Err *err);

#endif
