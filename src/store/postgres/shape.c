#include "shape.h"

#include <stdio.h>
#include <string.h>

#include "session/wire.h"
#include "sql.h"

bool postgres_shape(Postgres *pg, PostgresShape *out, Err *err)
{
    PGresult *answer = NULL;
    if (!postgres_query(pg, sql_postgresql_shape, 0, NULL, false, &answer, err))
        return false;
    bool *fields[] = {&out->has_revisions, &out->has_models, &out->has_digests, &out->version_is_bigint};
    for (int i = 0; i < 4; i++)
        *fields[i] = PQgetvalue(answer, 0, i)[0] == 't';
    snprintf(out->key_remedy, sizeof out->key_remedy, "%s", PQgetvalue(answer, 0, 4));
    out->has_triggers = PQgetvalue(answer, 0, 5)[0] == 't';
    out->has_identity = PQgetvalue(answer, 0, 6)[0] == 't';
    out->knows_server = PQgetvalue(answer, 0, 7)[0] == 't';
    out->has_members = PQgetvalue(answer, 0, 8)[0] == 't';
    out->knows_digests = PQgetvalue(answer, 0, 9)[0] == 't';
    out->keeps_digests = PQgetvalue(answer, 0, 10)[0] == 't';
    out->created_is_local = PQgetvalue(answer, 0, 11)[0] == 't';
    PQclear(answer);
    return true;
}

bool postgres_for_shape(const PostgresShape *shape, const char *sql, Buf *out, Err *err)
{
    static const char column[] = "members_sha256";
    for (const char *found; !shape->has_members && (found = strstr(sql, column)) != NULL; sql = found + strlen(column))
        if (!buf_append(out, sql, (size_t)(found - sql), err) || !buf_text(out, "NULL::bytea", err))
            return false;
    return buf_text(out, sql, err);
}

bool postgres_require_key(const Postgres *pg, const PostgresShape *shape, Err *err)
{
    if (shape->key_remedy[0] == '\0')
        return true;
    err_set(err, ERR_SCHEMA, "%s: the table models has lost its unique key on (name, version)",
            store_target_label(pg->base.target));
    return err_hint(err, "remove double rows, then: %s", shape->key_remedy);
}

bool postgres_learn_shape(Postgres *pg, Err *err)
{
    PostgresShape shape;
    if (pg->shape_known)
        return true;
    if (!postgres_shape(pg, &shape, err))
        return false;
    if (!shape.has_digests || !shape.has_members) {
        err_set(err, ERR_SCHEMA, "%s: the tables are %s", store_target_label(pg->base.target),
                shape.has_models ? "not at head" : "missing");
        return err_remedy(err, REMEDY_UPGRADE);
    }
    if (!postgres_require_key(pg, &shape, err))
        return false;
    pg->version_is_bigint = shape.version_is_bigint;
    pg->created_is_local = shape.created_is_local;
    pg->local_of = INT64_MIN;
    pg->has_triggers = shape.has_triggers;
    pg->shape_known = true;
    return true;
}
