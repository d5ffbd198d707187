/* stored_key.h: the key under which the store has a source already, so that a name does not depend on what else a run sees.
 *
 * A path has one name when it is alone and another beside a twin (churn, churn.joblib), and had a third in version 0.1.0. Once it
 * is stored, the row's source_path says which of them it goes by. One thread. */
#ifndef MODEL_STORED_KEY_H
#define MODEL_STORED_KEY_H

#include "base/vec.h"
#include "model/model.h"
#include "model/name_map.h"

/* Which of its names a row has; the largest that is stored is the one to go by. */
typedef enum KeyRank {
    KEY_OTHER,   /* none that this program gives to the path */
    KEY_EARLIER, /* what version 0.1.0 called it, without a version */
    KEY_ALONE,   /* the name by the path alone */
    KEY_SUFFIX   /* the same with its suffix, as beside a twin */
} KeyRank;

typedef struct StoredKey {
    uint32_t model;      /* index in the list */
    const char *name;    /* in the list's arena */
    int32_t version;     /* of the path, or VERSION_AUTO */
    int32_t row_version; /* the newest row that says so */
    KeyRank rank;
} StoredKey;

typedef struct StoredKeys {
    StoredKey *items; /* by model once resolved, each once */
    size_t count, cap;
} StoredKeys;

/* Notes a row when its source is in the list (sorted by path), pending, and not named by the map. ERR_STOP without memory. */
bool stored_keys_add(StoredKeys *keys, ModelList *list, const NameMap *map, const char *name, int32_t version,
                     const char *source_path, Err *err);

/* The row is where its source looks for it, and no other row could change that: it need not be noted. Most are so. */
bool stored_key_is_usual(const Model *model, const char *name, const char *source_path);

/* Keeps one key for each model, and of each name without a version only the source of its newest row. */
void stored_keys_resolve(StoredKeys *keys);
void stored_keys_free(StoredKeys *keys);

/* A row of this name was stored from `path`, which gives no version: NAME.suffix, at its own place. */
bool stored_key_is_plain(const char *name, const char *path);

#endif
