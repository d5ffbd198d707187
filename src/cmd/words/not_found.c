#include "not_found.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

/* The versions of a name. */
typedef struct Versions {
    int32_t highest;
    size_t count;
} Versions;

static bool count_version(void *ctx, const StoredModel *row, Err *err)
{
    Versions *versions = ctx;
    (void)err;
    versions->highest = row->version; /* they come in rising order */
    versions->count++;
    return true;
}

typedef struct Search {
    const char *name;
    Nearest nearest;
    char found[4 * STORE_NAME_MAX + 1];  /* like it */
    char folder[4 * STORE_NAME_MAX + 1]; /* the same below a folder; "" = none */
} Search;

static bool try_name(void *ctx, const StoredModel *row, Err *err)
{
    Search *search = ctx;
    const char *slash = strrchr(row->name, '/');
    (void)err;
    search->nearest.found = NULL;
    nearest_try(&search->nearest, row->name);
    if (search->nearest.found != NULL)
        text_copy(search->found, sizeof search->found, row->name);
    if (slash != NULL && strcmp(slash + 1, search->name) == 0)
        text_copy(search->folder, sizeof search->folder, row->name);
    return true;
}

static bool refuse_unknown(Store *store, const char *reference, const char *name, Err *err)
{
    StoreFilter all = {0};
    Search search = {.name = name, .nearest = nearest_to(name, strlen(name))};
    if (!store_list(store, &all, try_name, &search, err))
        return false;
    err_set(err, ERR_STOP, "%s: is not stored", reference);
    if (search.folder[0] != '\0')
        return err_hint(err, "a name has the folders of its path: %s", search.folder);
    if (search.found[0] != '\0')
        return err_hint(err, "did you mean %s?", search.found);
    return err_hint(err, "a name has the folders of its path (sub/NAME); the view model_catalog lists all that is stored");
}

bool refuse_not_found(Store *store, const char *reference, const char *name, const int32_t *version, Err *err)
{
    Versions versions = {0};
    StoreFilter filter = {.names = &name, .count = 1};
    if (!store_list(store, &filter, count_version, &versions, err))
        return false;
    if (versions.count == 0)
        return refuse_unknown(store, reference, name, err);
    if (version == NULL) {
        err_set(err, ERR_STOP, "%s: is stored, but no version of it is active", name);
        return err_hint(err, "%s@latest takes the highest version, active or not: %s@%d", name, name, (int)versions.highest);
    }
    const char *are = versions.count == 1 ? " is" : "s are";
    err_set(err, ERR_STOP, "%s: this version is not stored", reference);
    return err_hint(err, "of %s %zu version%s stored, the highest is %s@%d", name, versions.count, are, name,
                    (int)versions.highest);
}
