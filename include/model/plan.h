/* plan.h: compares the tree with the store and says what is to be done.
 *
 * Models are grouped by name; a group is the unit of work, so that versions of one name are settled by one thread, explicit ones
 * first. plan_new, plan_add_stored, plan_use_stored_keys and plan_settle run before the workers; afterwards each group belongs to
 * the worker that has taken it. */
#ifndef MODEL_PLAN_H
#define MODEL_PLAN_H

#include "store/store.h"
#include "model/model.h"
#include "model/name_map.h"

typedef enum OnChange { CHANGE_NEW_VERSION, CHANGE_SKIP, CHANGE_FAIL } OnChange;

typedef struct Plan Plan;

/* Groups the identified models of `list` (borrowed) that are MODEL_PENDING; two sources with one explicit key, or two without a
 * version and one name, all become MODEL_CONFLICT, each naming the other; but those without a version that got their name from the
 * map are its versions, oldest first, and all but the newest become inactive. map (of the scan, borrowed, may be NULL): a content
 * that is stored under the key that the path had in an earlier version of this program goes on under that key. */
bool plan_new(ModelList *list, const NameMap *map, OnChange on_change, Plan **out, Err *err);
void plan_free(Plan *plan);

#define PLAN_NO_GROUP UINT32_MAX

/* The group of a name, PLAN_NO_GROUP when no source has it. */
uint32_t plan_group(const Plan *plan, const char *name);

/* Feeds one row of the store; names that are not in the tree are ignored. */
bool plan_add_stored(Plan *plan, const StoreVersion *stored, Err *err);

/* Once every row was fed: a source that is stored goes by the key under which the store has it (stored_key.h), whatever this tree
 * alone says. fn: a group that got a source, and whose versions may not all be known. Does nothing when it is called again. */
typedef bool (*PlanGroupFn)(void *ctx, uint32_t group, Err *err);
bool plan_use_stored_keys(Plan *plan, PlanGroupFn fn, void *ctx, Err *err);

/* PLAN_HIDDEN: readers of this name get a row of the store that is no version; no new version would be what they get, so none is
 * made for a source that names none. PLAN_HELD: new versions of this name are stored, and do not go live. PLAN_RECORDED: the record
 * of changes has a line of it, so that not the highest version may be live. */
typedef enum PlanNote { PLAN_HIDDEN, PLAN_HELD, PLAN_RECORDED } PlanNote;
void plan_note(Plan *plan, const char *name, PlanNote note);

/* Marks what the journal and the store together prove unchanged, and sorts the other groups, largest first. */
bool plan_settle(Plan *plan, Err *err);

uint32_t plan_work_count(const Plan *plan);             /* groups with something to read */
uint32_t plan_work_group(const Plan *plan, uint32_t i); /* the i-th of them, largest first */
uint32_t plan_first(const Plan *plan, uint32_t group);  /* index of its first model; then Model.next */
uint64_t plan_work_bytes(const Plan *plan);             /* raw bytes to read */

/* With the model's content known: sets state (MODEL_UNCHANGED, MODEL_NEW, MODEL_CONFLICT, MODEL_SKIPPED, MODEL_FAILED), version and
 * reason. MODEL_NEW means: store it under `version`. */
void plan_decide(Plan *plan, uint32_t group, Model *model);

/* Has the store a version of this group? */
bool plan_has_versions(const Plan *plan, uint32_t group);

/* Of a model with content whose store has not that content, but `other`, which is the same to people: it goes by that from now on.
 * ERR_STOP without memory. */
bool plan_accept(Plan *plan, uint32_t group, Model *model, const Content *other, Err *err);

/* This run put or found that version. ERR_STOP when memory ends. */
bool plan_note_version(Plan *plan, uint32_t group, int32_t version, const Content *content, Err *err);

/* Forgets what is known of the store's versions of a group, before asking the store again. */
void plan_forget_versions(Plan *plan, uint32_t group);

#endif
