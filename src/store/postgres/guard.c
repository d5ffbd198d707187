#include "guard.h"

#include <stdio.h>
#include <string.h>

#include "session/wire.h"
#include "sql.h"

#define ALL_TABLES \
    "{models,model_chunks,model_runs,model_digests,model_aliases,model_events,store_identity,migrate_models_revisions}"

enum { PROBLEM, TABLE, USER, CODE, OWNER };

static bool refuse(const Postgres *pg, const PGresult *answer, Err *err)
{
    const char *label = store_target_label(pg->base.target), *problem = PQgetvalue(answer, 0, PROBLEM),
               *table = PQgetvalue(answer, 0, TABLE), *owner = PQgetvalue(answer, 0, OWNER);
    if (strcmp(problem, "kind") == 0) {
        err_set(err, ERR_SCHEMA, "%s: %s is not an ordinary table", label, table);
        return err_hint(err, "rename it, or use another schema (options=-csearch_path=...)");
    }
    if (strcmp(problem, "owner") == 0) {
        err_set(err, ERR_SCHEMA, "%s: the table %s belongs to the role %s, whose code would run with your rights", label, table,
                owner);
        return err_hint(err, "connect as that role, or take the table over: ALTER TABLE %s OWNER TO CURRENT_USER", table);
    }
    err_set(err, ERR_SCHEMA, "%s: %s of the table %s uses %s of the role %s, whose code would run with your rights", label,
            PQgetvalue(answer, 0, USER), table, PQgetvalue(answer, 0, CODE), owner);
    return err_hint(err, "remove it, or have it belong to a role that you trust (ALTER ... OWNER TO ...)");
}

static bool guard(Postgres *pg, const char *tables, const char *purpose, Err *err)
{
    const char *params[] = {tables, purpose};
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql_postgresql_guard, 2, params, false, &answer, err))
        return false;
    bool ok = PQntuples(answer) == 0 || refuse(pg, answer, err);
    PQclear(answer);
    return ok;
}

bool postgres_guard_read(Postgres *pg, Err *err)
{
    return guard(pg, ALL_TABLES, "read", err);
}

bool postgres_guard_write(Postgres *pg, const char *table, Err *err)
{
    char lock[80], tables[40];
    snprintf(lock, sizeof lock, "LOCK TABLE %s IN ROW EXCLUSIVE MODE", table);
    snprintf(tables, sizeof tables, "{%s}", table);
    return postgres_run(pg, lock, err) && guard(pg, tables, "write", err);
}

bool postgres_guard_change(Postgres *pg, Err *err)
{
    return postgres_run(pg, sql_postgresql_guard_change, err) && guard(pg, ALL_TABLES, "change", err);
}
