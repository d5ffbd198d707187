/* identify.h: from a path to name, version, type and event; the rules are in docs/names.md. No state but the map; any thread. */
#ifndef MODEL_IDENTIFY_H
#define MODEL_IDENTIFY_H

#include "model/model.h"
#include "model/name_map.h"
#include "store/store.h"

typedef struct Identity {
    char name[4 * STORE_NAME_MAX + 1];
    int32_t version; /* 0..INT32_MAX, or VERSION_AUTO */
    char model_type[4 * STORE_TYPE_MAX + 1];
    char event[4 * STORE_NAME_MAX + 1];
} Identity;

/* Uses path, kind, dir_type and suffix_len of the model. map may be NULL.
 * ERR_SKIP with the path and the reason: name not UTF-8, control character, empty, over 255 characters, with a component `.` or
 * `..`. On failure *out is undefined. */
bool identify(const Model *model, const NameMap *map, Identity *out, Err *err);

/* The key that version 0.1.0 of this program gave to the path: a store may have it so. Only name and version are filled. False: it
 * gave none, or the map gives one. */
bool identify_earlier(const Model *model, const NameMap *map, Identity *out);

#endif
