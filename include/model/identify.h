/* identify.h: from a path to name, version, type and event; the rules are in docs/names.md. No state but the map; any thread. */
#ifndef MODEL_IDENTIFY_H
#define MODEL_IDENTIFY_H

#include "store/store.h"
#include "model/model.h"

/* --map FILE.csv: columns path,name,version,model_type,event in any order, header required, `path` a glob; empty = inferred.
 * The first row that matches wins. */
typedef struct NameMap NameMap;
bool name_map_read(const char *path, NameMap **out, Err *err); /* ERR_USAGE with the file and the row (the header is row 1) */
void name_map_free(NameMap *map);

/* What a row says; NULL and VERSION_AUTO = not given. Owned by the map. */
typedef struct NameMapRow {
    const char *name, *model_type, *event;
    int32_t version;
} NameMapRow;

/* The row for a path, NULL if none. Quick for rows without a glob, however many there are. */
const NameMapRow *name_map_find(const NameMap *map, const char *path);

typedef struct Identity {
    char name[4 * STORE_NAME_MAX + 1];
    int32_t version; /* 0..INT32_MAX, or VERSION_AUTO */
    char model_type[4 * STORE_TYPE_MAX + 1];
    char event[4 * STORE_NAME_MAX + 1];
} Identity;

/* Uses path, kind, dir_type and suffix_len of the model. map may be NULL.
 * ERR_SKIP with the path and the reason: name not UTF-8, control character, empty, over 255 characters, with a component `.` or
 * `..`; version over 2147483647. On failure *out is undefined. */
bool identify(const Model *model, const NameMap *map, Identity *out, Err *err);

/* Why a text cannot be a name, type or event: "is empty", "is longer than 255 characters", … NULL when it can. */
const char *identify_text_problem(const char *text, size_t len, size_t max_chars);

/* The same for a name, whose components must not be empty, `.` or `..`. */
const char *identify_name_problem(const char *name, size_t len);

#endif
