#include "transaction.h"

#include <string.h>

#include "wire.h"

bool postgres_refuse_read_only(const Postgres *pg, Err *err)
{
    err_set(err, ERR_READ_ONLY, pg->standby ? "%s: the server is a standby; nothing can be written there"
                                       : "%s: the server or this user is read-only (default_transaction_read_only)",
            store_target_label(pg->base.target));
    return err_hint(err, "name the primary server, or a user that may write");
}

bool postgres_begin(Postgres *pg, bool write, Err *err)
{
    if (pg->in_transaction)
        return err_set(err, ERR_BUG, "a transaction inside a transaction");
    if (write && (pg->standby || pg->read_only))
        return postgres_refuse_read_only(pg, err);
    if (!postgres_run(pg, write ? pg->begin_write : pg->begin_read, err)) {
        postgres_rollback(&pg->base);
        return false;
    }
    pg->in_transaction = true;
    return true;
}

/* Did the server itself say no? One that panics or shuts down may have written the record of the COMMIT before. */
static bool is_refusal(const Postgres *pg, const Err *err)
{
    return err->cls != ERR_RETRY && err->code[0] != '\0' && pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK;
}

/* The server answers ROLLBACK, and no error, to the COMMIT of a transaction that failed before. */
bool postgres_commit(Postgres *pg, StoreOutcome *outcome, Err *err)
{
    PGresult *result = NULL;
    Err why = {0};
    pg->committing = true;
    bool answered = postgres_query(pg, "COMMIT", 0, NULL, false, &result, &why);
    pg->committing = false;
    if (!answered) {
        *outcome = is_refusal(pg, &why) ? STORE_REFUSED : STORE_UNKNOWN;
        if (err != NULL)
            *err = why;
        return false;
    }
    bool ok = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    pg->in_transaction = false;
    *outcome = ok ? STORE_COMMITTED : STORE_REFUSED;
    return ok || err_set(err, ERR_BUG, "%s: the server rolled the transaction back", store_target_label(pg->base.target));
}

bool postgres_abandon_copy(Postgres *pg)
{
    if (pg->copy == COPY_NONE)
        return true;
    pg->copy = COPY_NONE;
    pg->copy_rows = 0;
    buf_clear(&pg->out);
    if (!postgres_copy_end(pg, "given up", NULL))
        return false;
    postgres_results(pg, NULL, NULL); /* fails, as it must */
    return pg->conn != NULL;
}

void postgres_rollback(Store *store)
{
    Postgres *pg = (Postgres *)store;
    if (pg->conn == NULL)
        return;
    bool ok = postgres_abandon_copy(pg);
    PGTransactionStatusType status = ok ? PQtransactionStatus(pg->conn) : PQTRANS_UNKNOWN;
    if (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
        ok = postgres_run(pg, "ROLLBACK", NULL);
    else
        ok = status == PQTRANS_IDLE;
    pg->in_transaction = false;
    if (!ok)
        postgres_drop(pg);
}
