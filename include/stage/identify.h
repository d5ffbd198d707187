/* identify.h: from a path to name, version, type and event; the rules are in docs/names.md. No state but the map; any thread. */
#ifndef STAGE_IDENTIFY_H
#define STAGE_IDENTIFY_H

#include "port/store.h"
#include "stage/model.h"

/* --map FILE.csv: columns path,name,version,model_type,event in any order, header required, `path` a glob; empty = inferred.
 * The first line that matches wins. */
typedef struct NameMap NameMap;
bool name_map_read(const char *path, NameMap **out, Err *err); /* ERR_USAGE with the line number */
void name_map_free(NameMap *map);

typedef struct Identity {
    char name[4 * STORE_NAME_MAX + 1];
    int32_t version; /* 0..INT32_MAX, or VERSION_AUTO */
    char model_type[4 * STORE_TYPE_MAX + 1];
    char event[4 * STORE_NAME_MAX + 1];
} Identity;

/* Uses path, kind, dir_type and suffix_len of the model. map may be NULL.
 * ERR_SKIP with the reason: not UTF-8, control character, empty, over 255 characters, version over 2147483647. */
bool identify(const Model *model, const NameMap *map, Identity *out, Err *err);

/* True when the file's first bytes say that it is no model: a Git LFS pointer. */
bool identify_is_lfs_pointer(const void *head, size_t len);

/* True when the first bytes say: compressed already (gzip, zlib, bzip2, xz, lzma, lz4 frame, zstd). */
bool identify_is_compressed(const void *head, size_t len);

#endif
