#include "store/runs_from.h"

#include <string.h>

#include "store/database.h"

typedef struct Search {
    const char *host, *models_dir;
    StoreRunFn fn;
    void *ctx;
} Search;

static bool consider(void *ctx, const char *const *values, size_t count, Err *err)
{
    const Search *search = ctx;
    for (size_t i = 0; i < 3; i++)
        if (i >= count || values[i] == NULL)
            return true;
    return strcmp(values[1], search->host) != 0 || strcmp(values[2], search->models_dir) != 0 ||
           search->fn(search->ctx, values[0], err);
}

/* Compared here and not by the store: an operator of the database could be somebody else's. */
bool store_runs_from(Store *store, const char *host, const char *models_dir, StoreRunFn fn, void *ctx, Err *err)
{
    Search search = {.host = host, .models_dir = models_dir, .fn = fn, .ctx = ctx};
    StoreOutcome outcome;
    if (!database_begin(store, false, err))
        return false;
    if (database_query(store, "SELECT run_id, host, models_dir FROM model_runs", NULL, 0, consider, &search, err) &&
        database_commit(store, &outcome, err))
        return true;
    database_rollback(store);
    return false;
}
