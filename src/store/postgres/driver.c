#include "postgres.h"

#include <string.h>

#include "sql.h"

static bool refuse_read_only(const Postgres *pg, Err *err)
{
    err_set(err, ERR_STOP, pg->standby ? "%s: the server is a standby; nothing can be written there"
                                       : "%s: the server or this user is read-only (default_transaction_read_only)",
            store_target_label(pg->base.target));
    return err_hint(err, "name the primary server, or a user that may write");
}

bool postgres_begin(Postgres *pg, bool write, Err *err)
{
    if (pg->in_transaction)
        return err_set(err, ERR_BUG, "a transaction inside a transaction");
    if (write && (pg->standby || pg->read_only))
        return refuse_read_only(pg, err);
    if (!postgres_run(pg, write ? pg->begin_write : pg->begin_read, err)) {
        postgres_rollback(&pg->base);
        return false;
    }
    pg->in_transaction = true;
    return true;
}

/* The server answers ROLLBACK, and no error, to the COMMIT of a transaction that failed before. */
bool postgres_commit(Postgres *pg, Err *err)
{
    PGresult *result = NULL;
    pg->committing = true;
    bool answered = postgres_query(pg, "COMMIT", 0, NULL, false, &result, err);
    pg->committing = false;
    if (!answered)
        return false;
    bool ok = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    pg->in_transaction = false;
    return ok || err_set(err, ERR_BUG, "%s: the server rolled the transaction back", store_target_label(pg->base.target));
}

/* Ends a COPY FROM by failing it; the server forgets its rows. */
static bool abandon_copy(Postgres *pg)
{
    pg->copy = COPY_NONE;
    pg->copy_rows = 0;
    buf_clear(&pg->out);
    int sent;
    while ((sent = PQputCopyEnd(pg->conn, "given up")) == 0)
        if (!postgres_flush(pg, NULL))
            return false;
    if (sent < 0 || !postgres_flush(pg, NULL))
        return false;
    postgres_results(pg, NULL, NULL); /* fails, as it must */
    return pg->conn != NULL;
}

void postgres_rollback(Store *store)
{
    Postgres *pg = (Postgres *)store;
    if (pg->conn == NULL)
        return;
    bool ok = pg->copy == COPY_NONE || abandon_copy(pg);
    PGTransactionStatusType status = ok ? PQtransactionStatus(pg->conn) : PQTRANS_UNKNOWN;
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
        ok = postgres_run(pg, "ROLLBACK", NULL);
    else
        ok = status == PQTRANS_IDLE;
    pg->in_transaction = false;
    if (!ok)
        postgres_drop(pg);
}

static bool is_alive(const Store *store)
{
    const Postgres *pg = (const Postgres *)store;
    return pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK;
}

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
    PQclear(answer);
    return true;
}

bool postgres_require_key(const Postgres *pg, const PostgresShape *shape, Err *err)
{
    if (shape->key_remedy[0] == '\0')
        return true;
    err_set(err, ERR_SCHEMA, "%s: the table models has lost its unique key on (name, version)",
            store_target_label(pg->base.target));
    return err_hint(err, "remove double rows, then: %s", shape->key_remedy);
}

/* Once a session, inside its first batch: are the tables there and sound, how wide is `version`, are there triggers? */
static bool learn_shape(Postgres *pg, Err *err)
{
    PostgresShape shape;
    if (pg->shape_known)
        return true;
    if (!postgres_shape(pg, &shape, err))
        return false;
    if (!shape.has_digests) {
        err_set(err, ERR_SCHEMA, "%s: the tables are %s", store_target_label(pg->base.target),
                shape.has_models ? "not at head" : "missing");
        return err_hint(err, "run: migrate_models_to_db db upgrade");
    }
    if (!postgres_require_key(pg, &shape, err))
        return false;
    pg->version_is_bigint = shape.version_is_bigint;
    pg->has_triggers = shape.has_triggers;
    pg->shape_known = true;
    return true;
}

static bool begin(Store *store, Err *err)
{
    Postgres *pg = (Postgres *)store;
    postgres_sent_clear(pg);
    if (!postgres_begin(pg, true, err))
        return false;
    if (learn_shape(pg, err))
        return true;
    postgres_rollback(store);
    return false;
}

static bool commit(Store *store, Err *err)
{
    Postgres *pg = (Postgres *)store;
    return postgres_copy_end(pg, err) && postgres_sent_check(pg, err) && postgres_commit(pg, err);
}

const StoreDriver store_postgres_driver = {
    .dialect = "postgresql",
    .target_new = postgres_target_new,
    .target_free = postgres_target_free,
    .has_password = postgres_target_has_password,
    .open = postgres_open,
    .close = postgres_close,
    .alive = is_alive,
    .identity = postgres_identity,
    .schema_applied = postgres_schema_applied,
    .schema_upgrade = postgres_schema_upgrade,
    .catalog = postgres_catalog,
    .find = postgres_find,
    .wait_writers = postgres_wait_writers,
    .list = postgres_list,
    .list_key = postgres_list_key,
    .verify = postgres_verify,
    .is_primary = postgres_is_primary,
    .fetch_open = postgres_fetch_open,
    .fetch_next = postgres_fetch_next,
    .fetch_close = postgres_fetch_close,
    .begin = begin,
    .put = postgres_put,
    .commit = commit,
    .rollback = postgres_rollback,
    .run_begin = postgres_run_begin,
    .run_end = postgres_run_end,
};
