/* Which store it is. The row of store_identity alone would go along with every copy of the database, so the name is a hash of it,
 * the server's system identifier and the database's oid. */
#include "calls.h"

#include <stdio.h>

#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"

/* The first value of an answer; "" when there is none. */
static bool ask_text(Postgres *pg, const char *sql, int count, const char *const *params, char *out, size_t cap, Err *err)
{
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql, count, params, false, &answer, err))
        return false;
    snprintf(out, cap, "%s", PQntuples(answer) > 0 ? PQgetvalue(answer, 0, 0) : "");
    PQclear(answer);
    return true;
}

static bool ask_identity(Postgres *pg, Err *err)
{
    PostgresShape shape;
    char server[24] = "";
    const char *params[] = {server};
    if (!postgres_begin(pg, false, err) || !postgres_shape(pg, &shape, err))
        return false;
    if (!shape.has_identity)
        return true;
    if (shape.knows_server && !ask_text(pg, sql_postgresql_identity_server, 0, NULL, server, sizeof server, err))
        return false;
    return ask_text(pg, sql_postgresql_identity, 1, params, pg->identity, sizeof pg->identity, err);
}

bool postgres_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err)
{
    Postgres *pg = (Postgres *)store;
    if (pg->identity[0] == '\0') {
        bool ok = ask_identity(pg, err);
        postgres_rollback(store);
        if (!ok)
            return false;
    }
    snprintf(out, STORE_IDENTITY_SIZE, "%s", pg->identity);
    return true;
}
