#include "../session/transaction.h"
#include "../session/wire.h"
#include "into.h"
#include "sql.h"

bool into_tables(Store *store, Buf *names, Err *err)
{
    Postgres *pg = (Postgres *)store;
    PGresult *answer = NULL;
    bool ok = postgres_begin(pg, false, err) && postgres_query(pg, sql_postgresql_into_tables, 0, NULL, false, &answer, err);
    postgres_rollback(store);
    ok = ok && (PQgetisnull(answer, 0, 0) || buf_text(names, PQgetvalue(answer, 0, 0), err));
    PQclear(answer);
    return ok;
}
