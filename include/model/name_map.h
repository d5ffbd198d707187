/* name_map.h: --map, a file that names models by their paths. Read by one thread, then by any. */
#ifndef MODEL_NAME_MAP_H
#define MODEL_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* --map FILE.csv: columns path,name,version,model_type,event in any order, header required, `path` a glob; empty = inferred.
 * The first row that matches wins. */
typedef struct NameMap NameMap;
bool name_map_read(const char *path, NameMap **out, Err *err); /* ERR_USAGE with the file and the row (the header is row 1) */
void name_map_free(NameMap *map);

/* What a row says; NULL and VERSION_AUTO = not given. Owned by the map. */
typedef struct NameMapRow {
    const char *pattern; /* of the column path */
    const char *name, *model_type, *event; /* name may be a template */
    int32_t version;
} NameMapRow;

/* The row's name for a path whose first `stem_len` bytes are its stem: `{stem}` is the last component without the suffix, `{dir}`
 * the folders before it ("" = none, and a slash behind it goes, too), `{ext}` the suffix without its dot, `{1}` to `{9}` what the
 * first to the ninth `*` of the pattern stand for; anything else in braces is itself. False: over `cap`. */
bool name_map_expand(const NameMapRow *row, const char *path, size_t stem_len, char *out, size_t cap);

/* Remembers that the row matched; before threads share the map. */
void name_map_mark(NameMap *map, const NameMapRow *row);

/* The first row from *next on that nothing matched, NULL when there is none; *next goes behind it. */
const NameMapRow *name_map_unmatched(const NameMap *map, size_t *next);

/* The row for a path, NULL if none. Quick for rows without a glob, however many there are. */
const NameMapRow *name_map_find(const NameMap *map, const char *path);

#endif
