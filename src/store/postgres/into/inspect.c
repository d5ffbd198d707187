/* inspect.c: is the table there, and as it must be? Which store is it? */
#include <stdio.h>
#include <string.h>

#include "../session/transaction.h"
#include "../session/wire.h"
#include "into.h"
#include "sql.h"

static bool refuse_column(const PostgresInto *into, const char *quoted, const char *name, const char *type, const char *wanted,
                          Err *err)
{
    if (type[0] != '\0')
        return err_set(err, ERR_SCHEMA, "the column %s of %s is of the type %s, must be %s", name, into->table, type, wanted);
    err_set(err, ERR_SCHEMA, "%s has no column %s", into->table, name);
    return strcmp(wanted, "bytea") == 0 ? err_hint(err, "ALTER TABLE %s ADD COLUMN IF NOT EXISTS %s BYTEA;", into->table, quoted)
                                        : err_hint(err, "name the column of the UUID behind the table: SCHEMA.TABLE:DATA:ID");
}

static bool judge(Postgres *pg, const PGresult *answer, Err *err)
{
    const PostgresInto *into = into_of(pg);
    const char *kind = PQgetvalue(answer, 0, 0), *data = PQgetvalue(answer, 0, 1), *id = PQgetvalue(answer, 0, 2);
    if (kind[0] == '\0')
        return err_set(err, ERR_SCHEMA, "there is no table %s", into->table);
    if (strchr("rp", kind[0]) == NULL)
        return err_set(err, ERR_SCHEMA, "%s is not a table", into->table);
    if (strcmp(data, "bytea") != 0)
        return refuse_column(into, into->data, into->data_name, data, "bytea", err);
    if (strcmp(id, "uuid") != 0)
        return refuse_column(into, into->id, into->id_name, id, "uuid", err);
    pg->into_has_stamp = PQgetvalue(answer, 0, 3)[0] == 't';
    return true;
}

bool into_inspect_columns(Postgres *pg, Err *err)
{
    const PostgresInto *into = into_of(pg);
    const char *params[] = {into->table, into->data_name, into->id_name};
    PGresult *answer = NULL;
    if (pg->shape_known)
        return true;
    if (!postgres_query(pg, sql_postgresql_into_columns, 3, params, false, &answer, err))
        return false;
    pg->shape_known = judge(pg, answer, err);
    PQclear(answer);
    return pg->shape_known;
}

bool into_inspect(Store *store, bool to_change, Err *err)
{
    if (to_change)
        return err_set(err, ERR_USAGE, "%s: a table of somebody else's is not changed", store_target_label(store->target));
    return into_inspect_columns((Postgres *)store, err);
}

static bool ask_text(Postgres *pg, const char *sql, int count, const char *const *params, char *out, size_t cap, Err *err)
{
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql, count, params, false, &answer, err))
        return false;
    snprintf(out, cap, "%s", PQntuples(answer) > 0 ? PQgetvalue(answer, 0, 0) : "");
    PQclear(answer);
    return true;
}

bool into_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err)
{
    Postgres *pg = (Postgres *)store;
    char may[8] = "", server[24] = "";
    const char *params[] = {into_of(pg)->table, server};
    bool ok = postgres_begin(pg, false, err) &&
              ask_text(pg, "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')", 0, NULL, may,
                       sizeof may, err) &&
              (may[0] != 't' || ask_text(pg, sql_postgresql_identity_server, 0, NULL, server, sizeof server, err)) &&
              ask_text(pg, sql_postgresql_into_identity, 2, params, out, STORE_IDENTITY_SIZE, err);
    postgres_rollback(store);
    return ok;
}
