/* verify.c: what the server says of payloads, and of itself. */
#include "calls.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

bool postgres_verify(Store *store, const StoreKey *keys, size_t count, StoreHealthFn fn, void *ctx, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Buf names = {0}, versions = {0};
    PGresult *answer = NULL;
    const char **list = calloc(count + 1, sizeof *list);
    bool ok = list != NULL ? buf_text(&versions, "{", err) : err_no_memory(err);
    for (size_t i = 0; ok && i < count; i++) {
        list[i] = keys[i].name;
        ok = buf_format(&versions, err, "%s%" PRId32, i > 0 ? "," : "", keys[i].version);
    }
    ok = ok && buf_text(&versions, "}", err) && postgres_text_array(&names, list, count, err);
    const char *params[] = {names.data, versions.data};
    ok = ok && postgres_begin(pg, false, err) && postgres_query(pg, sql_postgresql_verify, 2, params, false, &answer, err);
    postgres_rollback(store);
    for (int i = 0; ok && i < PQntuples(answer); i++) {
        unsigned long long index = strtoull(PQgetvalue(answer, i, 0), NULL, 10);
        unsigned long health = strtoul(PQgetvalue(answer, i, 1), NULL, 10);
        static const StoreHealth meaning[] = {STORE_INTACT, STORE_DAMAGED, STORE_UNPROVEN, STORE_MISSING};
        ok = index < count && health < 4 ? fn(ctx, (size_t)index, meaning[health], err)
                                         : err_set(err, ERR_BUG, "%s: no answer to a proof", store_target_label(pg->base.target));
    }
    PQclear(answer);
    free(list);
    buf_free(&names);
    buf_free(&versions);
    return ok;
}

bool postgres_is_primary(Store *store, bool *primary, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PGresult *answer = NULL;
    if (!postgres_query(pg, "SELECT pg_is_in_recovery()", 0, NULL, false, &answer, err))
        return false;
    *primary = strcmp(PQgetvalue(answer, 0, 0), "f") == 0;
    PQclear(answer);
    return true;
}
