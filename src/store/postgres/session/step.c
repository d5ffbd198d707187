/* step.c: statements of somebody else, in transactions of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../database.h"
#include "transaction.h"
#include "wire.h"

#define PATIENT_SECONDS 1e9 /* keepalives tell when the server is gone */
#define PIECE_BYTES ((size_t)1024 * 1024)

/* The path stays what the session has. Our own settings end with the transaction. */
#define SETTINGS \
    "; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL synchronous_commit = on; " \
    "SET LOCAL lock_timeout = "

bool postgres_step_begin(Store *store, bool write, Err *err)
{
    Postgres *pg = (Postgres *)store;
    char begin[320];
    if (pg->in_transaction)
        return err_set(err, ERR_BUG, "a transaction inside a transaction");
    if (write && (pg->standby || pg->read_only))
        return postgres_refuse_read_only(pg, err);
    snprintf(begin, sizeof begin, "BEGIN ISOLATION LEVEL READ COMMITTED %s" SETTINGS "%d", write ? "READ WRITE" : "READ ONLY",
             STEP_LOCK_SECONDS * 1000);
    if (!postgres_run(pg, begin, err)) {
        postgres_rollback(store);
        return false;
    }
    pg->in_transaction = true;
    return true;
}

/* The hints of error.c are for the tables of a store of models. */
static bool plain_words(const Postgres *pg, Err *err)
{
    if (err != NULL && err->cls != ERR_RETRY) {
        err->remedy = REMEDY_NONE;
        if (!pg->hint_is_servers)
            err->hint[0] = '\0';
    }
    return false;
}

static bool send_rows(Postgres *pg, const char *sql, const SqlStatement *statement, Err *err)
{
    if (!postgres_copy_start(pg, sql, PGRES_COPY_IN, err))
        return false;
    for (size_t at = 0; at < statement->data_len;) {
        size_t len = statement->data_len - at < PIECE_BYTES ? statement->data_len - at : PIECE_BYTES;
        int sent = PQputCopyData(pg->conn, statement->data + at, (int)len);
        if (sent < 0)
            return postgres_fail_connection(pg, err);
        if (!postgres_flush(pg, err))
            return false;
        at += sent > 0 ? len : 0;
    }
    return postgres_copy_end(pg, NULL, err) && postgres_results(pg, NULL, err);
}

/* The server counts characters, from 1. */
static size_t byte_of(const char *text, size_t character)
{
    size_t at = 0;
    for (; character > 1 && text[at] != '\0'; character--)
        for (at++; ((unsigned char)text[at] & 0xc0) == 0x80; at++)
            ;
    return at;
}

bool postgres_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Buf sql = {0};
    if (!buf_append(&sql, statement->text, statement->len, err) || !buf_text(&sql, "", err)) {
        buf_free(&sql);
        return false;
    }
    double patience = pg->patience;
    pg->patience = PATIENT_SECONDS;
    pg->error_at = 0;
    pg->hint_is_servers = false;
    bool ok = statement->data != NULL ? send_rows(pg, sql.data, statement, err) : postgres_run(pg, sql.data, err);
    pg->patience = patience;
    if (!ok) {
        *position = byte_of(sql.data, pg->error_at);
        plain_words(pg, err);
    }
    buf_free(&sql);
    return ok;
}

/* A statement may have set anything for the session: the next step begins as the first one did. */
bool postgres_step_end(Store *store, Err *err)
{
    return postgres_run((Postgres *)store, "RESET SESSION AUTHORIZATION; RESET ALL; SET LOCAL synchronous_commit = on", err);
}
