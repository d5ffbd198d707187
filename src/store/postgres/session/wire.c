#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "error.h"

#define HASH_BYTES_PER_SECOND 32e6 /* of a slow server */
#define LOOK_SECONDS 0.1  /* how often a wait looks whether a signal came */
#define GRACE_SECONDS 0.7 /* what a silent server gets after a signal */

void postgres_drop(Postgres *pg)
{
    PQfinish(pg->conn); /* says goodbye only as far as the socket takes it at once */
    pg->conn = NULL;
    pg->in_transaction = false;
    pg->copy = COPY_NONE;
}

bool postgres_fail_result(Postgres *pg, const PGresult *result, Err *err)
{
    const char *at = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    pg->error_at = at != NULL ? (size_t)strtoul(at, NULL, 10) : 0;
    pg->hint_is_servers = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT) != NULL;
    postgres_error_of_result(pg, result, err);
    if (PQstatus(pg->conn) == CONNECTION_BAD)
        postgres_drop(pg);
    return false;
}

bool postgres_fail_connection(Postgres *pg, Err *err)
{
    postgres_error_of_connection(pg, err);
    postgres_drop(pg);
    return false;
}

static bool lost_already(const Postgres *pg, Err *err)
{
    return err_set(err, ERR_RETRY, "%s: the connection was lost", store_target_label(pg->base.target));
}

/* A signal cuts a wait short, but for the answer to COMMIT: a lost answer leaves open what the store has. */
static bool is_interrupted(const Postgres *pg)
{
    return interrupt_signal() != 0 && !pg->committing;
}

int postgres_poll(const Postgres *pg, short events, double seconds, short *ready)
{
    double start = clock_seconds();
    struct pollfd entry = {.fd = PQsocket(pg->conn), .events = events};
    for (double noted = -1;;) {
        double now = clock_seconds();
        if (noted < 0 && is_interrupted(pg))
            noted = now;
        double end = noted >= 0 && noted + GRACE_SECONDS < start + seconds ? noted + GRACE_SECONDS : start + seconds;
        double left = end - now < LOOK_SECONDS ? end - now : LOOK_SECONDS;
        int got = poll(&entry, 1, left <= 0 ? 0 : (int)(left * 1000) + 1);
        if (got > 0)
            *ready = entry.revents;
        if (got > 0 || (got < 0 && errno != EINTR && errno != EAGAIN) || (got == 0 && left <= 0))
            return got;
    }
}

/* Sleeps until one of `events` is there; *ready gets what is. Each byte that moves starts the clock anew, because each calls this
 * again. */
static bool wait_for(Postgres *pg, short events, short *ready, Err *err)
{
    int got = postgres_poll(pg, events, pg->patience, ready);
    if (got > 0)
        return true;
    if (got < 0)
        err_set_errno(err, ERR_STOP, errno, "%s: poll", store_target_label(pg->base.target));
    else if (!is_interrupted(pg) || interrupt_check(err))
        err_set(err, ERR_RETRY, "%s: no answer for %.3g seconds", store_target_label(pg->base.target), pg->patience);
    postgres_drop(pg);
    return false;
}

static bool take_input(Postgres *pg, Err *err)
{
    return PQconsumeInput(pg->conn) == 1 || postgres_fail_connection(pg, err);
}

bool postgres_wait_input(Postgres *pg, Err *err)
{
    short ready;
    return wait_for(pg, POLLIN, &ready, err) && take_input(pg, err);
}

bool postgres_flush(Postgres *pg, Err *err)
{
    if (pg->conn == NULL)
        return lost_already(pg, err);
    for (;;) {
        short ready;
        int rest = PQflush(pg->conn);
        if (rest == 0)
            return true;
        if (rest < 0)
            return postgres_fail_connection(pg, err);
        if (!wait_for(pg, POLLIN | POLLOUT, &ready, err))
            return false;
        if ((ready & ~POLLOUT) != 0) { /* a server that cannot send does not receive either */
            pg->heard = true;
            if (!take_input(pg, err))
                return false;
        }
    }
}

/* The next result in *out, NULL behind the last one. */
static bool next_result(Postgres *pg, PGresult **out, Err *err)
{
    while (PQisBusy(pg->conn))
        if (!postgres_wait_input(pg, err))
            return false;
    *out = PQgetResult(pg->conn);
    return true;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool postgres_results(Postgres *pg, PGresult **out, Err *err)
{
    PGresult *last = NULL, *result;
    bool ok = true;
    while (pg->conn != NULL && next_result(pg, &result, ok ? err : NULL)) {
        if (result == NULL) {
            if (ok && out != NULL)
                *out = last;
            else
                PQclear(last);
            return ok;
        }
        PQclear(last);
        last = result;
        if (ok && !is_good(result))
            ok = postgres_fail_result(pg, result, err);
        if (PQresultStatus(result) == PGRES_COPY_IN || PQresultStatus(result) == PGRES_COPY_OUT)
            postgres_drop(pg); /* a script must not hold one: there is no way on */
    }
    PQclear(last);
    return false;
}

static bool send_query(Postgres *pg, const char *sql, int count, const char *const *params, bool binary, Err *err)
{
    if (pg->conn == NULL)
        return lost_already(pg, err);
    int sent = count == 0 && !binary ? PQsendQuery(pg->conn, sql)
                                     : PQsendQueryParams(pg->conn, sql, count, NULL, params, NULL, NULL, binary);
    if (sent != 1)
        return postgres_fail_connection(pg, err);
    return postgres_flush(pg, err);
}

bool postgres_run(Postgres *pg, const char *sql, Err *err)
{
    return send_query(pg, sql, 0, NULL, false, err) && postgres_results(pg, NULL, err);
}

bool postgres_query(Postgres *pg, const char *sql, int count, const char *const *params, bool binary, PGresult **out, Err *err)
{
    return send_query(pg, sql, count, params, binary, err) && postgres_results(pg, out, err);
}

bool postgres_query_hash(Postgres *pg, uint64_t bytes, const char *sql, int count, const char *const *params, bool binary,
                         PGresult **out, Err *err)
{
    double patience = pg->patience;
    pg->patience += (double)bytes / HASH_BYTES_PER_SECOND;
    bool ok = postgres_query(pg, sql, count, params, binary, out, err);
    pg->patience = patience;
    return ok;
}

bool postgres_query_rows(Postgres *pg, const char *sql, int count, const char *const *params, Err *err)
{
    return send_query(pg, sql, count, params, true, err) &&
           (PQsetSingleRowMode(pg->conn) == 1 ||
            err_set(err, ERR_BUG, "%s: no single-row mode", store_target_label(pg->base.target)));
}

bool postgres_copy_start(Postgres *pg, const char *sql, ExecStatusType want, Err *err)
{
    PGresult *result = NULL;
    if (!send_query(pg, sql, 0, NULL, false, err) || !next_result(pg, &result, err))
        return false;
    if (PQresultStatus(result) == want) {
        PQclear(result);
        pg->heard = false;
        return true;
    }
    postgres_fail_result(pg, result, err);
    PQclear(result);
    if (pg->conn != NULL)
        postgres_results(pg, NULL, NULL);
    return false;
}

bool postgres_copy_end(Postgres *pg, const char *why, Err *err)
{
    int sent;
    while ((sent = PQputCopyEnd(pg->conn, why)) == 0)
        if (!postgres_flush(pg, err))
            return false;
    return sent > 0 ? postgres_flush(pg, err) : postgres_fail_connection(pg, err);
}

uint64_t postgres_integer(const PGresult *row, int field)
{
    const unsigned char *bytes = (const unsigned char *)PQgetvalue(row, 0, field);
    uint64_t value = 0;
    for (int i = 0; i < PQgetlength(row, 0, field); i++)
        value = value << 8 | bytes[i];
    return value; /* a NULL has no bytes: 0 */
}
