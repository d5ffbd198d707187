/* name_map.h: --map, a file that names models by their paths. Read by one thread, then by any. */
#ifndef MODEL_NAME_MAP_H
#define MODEL_NAME_MAP_H

#include <stdint.h>

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

#endif
