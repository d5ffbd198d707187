#include "connect.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "address.h"
#include "error.h"
#include "sql.h"
#include "wire.h"

#define OLDEST_SERVER 130000

static void on_notice(void *ctx, const PGresult *result)
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    log_line(LOG_DEBUG, "%s: server: %s", store_target_label(ctx), text != NULL ? text : "");
}

/* Which host of the list, at which of its addresses ("" = as given), and what kind of server will do (NULL = as given). */
typedef struct Attempt {
    size_t host;
    const char *address, *kind;
} Attempt;

/* One address at a time: libpq would go on to the next one after an error, but not after a silence. `host` stays what it is, for
 * the server's certificate and the password file. The target is shared by threads, so the parameters are put together in a copy. */
static PGconn *start_connect(const PostgresTarget *target, const Attempt *attempt)
{
    char host[1024], hostaddr[80], port[16];
    size_t count = target->count;
    const char **keywords = calloc(2 * (count + 6), sizeof *keywords);
    if (keywords == NULL)
        return NULL;
    const char **values = keywords + count + 6;
    for (size_t i = 0; i < count; i++) {
        keywords[i] = target->keywords[i];
        values[i] = target->values[i];
    }
    if (target->host_count > 1) {
        postgres_item(host, sizeof host, target->host, attempt->host);
        postgres_item(hostaddr, sizeof hostaddr, target->hostaddr, attempt->host);
        postgres_item(port, sizeof port, target->port, attempt->host);
        keywords[count] = "host", values[count++] = host;
        keywords[count] = "hostaddr", values[count++] = hostaddr;
        keywords[count] = "port", values[count++] = port;
    }
    if (attempt->address[0] != '\0')
        keywords[count] = "hostaddr", values[count++] = attempt->address;
    if (attempt->kind != NULL)
        keywords[count] = "target_session_attrs", values[count++] = attempt->kind;
    PGconn *conn = PQconnectStartParams(keywords, values, 0);
    free(keywords);
    return conn;
}

/* One step of the handshake, or the end of it. */
static bool connect_step(Postgres *pg, PostgresPollingStatusType *state, double left, Err *err)
{
    const char *label = store_target_label(pg->base.target);
    short ready;
    int got = postgres_poll(pg, *state == PGRES_POLLING_READING ? POLLIN : POLLOUT, left > 0 ? left : 0, &ready);
    if (got < 0)
        return err_set_errno(err, ERR_STOP, errno, "%s: poll", label);
    if (got > 0) {
        *state = PQconnectPoll(pg->conn);
        return true;
    }
    if (!interrupt_check(err))
        return false;
    err_set(err, ERR_RETRY, "%s: no answer within %.3g seconds", label, ((const PostgresTarget *)pg->base.target)->connect_timeout);
    return err_hint(err, "check that the server runs there and that host, port and firewall are right");
}

/* Drives the handshake. Verbose errors, because only they carry the SQLSTATE of a refused connect. */
static bool connect_one(Postgres *pg, const PostgresTarget *target, const Attempt *attempt, Err *err)
{
    double end = clock_seconds() + target->connect_timeout;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    pg->conn = start_connect(target, attempt);
    if (pg->conn == NULL)
        return err_no_memory(err);
    PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(pg->conn, on_notice, (void *)(uintptr_t)pg->base.target);
    while (PQstatus(pg->conn) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED)
        if (!connect_step(pg, &state, end - clock_seconds(), err))
            return false;
    if (state == PGRES_POLLING_OK)
        return true;
    return postgres_error_of_connect(pg, PQerrorMessage(pg->conn), PQconnectionNeedsPassword(pg->conn) == 1, err);
}

/* A silent or refusing address says nothing about the next one; a server that answered does. */
static bool connect_host(Postgres *pg, const PostgresTarget *target, size_t index, const char *kind, Err *err)
{
    PostgresAddresses addresses;
    if (!postgres_addresses(target, index, &addresses, err))
        return false;
    for (size_t i = 0; i < addresses.count; i++) {
        Attempt attempt = {.host = index, .address = addresses.text[i], .kind = kind};
        if (connect_one(pg, target, &attempt, err))
            return true;
        postgres_drop(pg);
        if (err->cls != ERR_RETRY)
            return false;
    }
    return false;
}

static bool is_final(const Err *err)
{
    return err->cls == ERR_INTERRUPTED || strncmp(err->code, "28", 2) == 0; /* the same password is wrong everywhere */
}

static bool connect_any(Postgres *pg, const PostgresTarget *target, const char *kind, Err *err)
{
    for (size_t i = 0; i < target->host_count; i++) {
        if (connect_host(pg, target, i, kind, err))
            return true;
        if (is_final(err))
            return false;
    }
    return false;
}

/* The server would hold the transaction of a client that lost its power, and its locks, for the two hours of its own keepalives; so
 * it asks after 30 seconds of silence, and gives up in 90. */
#define SERVER_KEEPALIVES \
    "; SET LOCAL tcp_keepalives_idle = 30; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 6; " \
    "SET LOCAL tcp_user_timeout = 90000"

/* The openings of our transactions, each one round trip. A reading one sees one moment, however many queries it has. pg_temp last:
 * a temporary table must not hide ours. */
static bool make_openings(Postgres *pg, const char *schema, bool no_views, Err *err)
{
    /* Text of no known encoding comes as it is: one row that is no UTF-8 would end every listing else. */
    const char *raw = pg->raw_text ? "; SET LOCAL client_encoding = 'SQL_ASCII'" : "";
    Buf write = {0}, read = {0};
    double lock = pg->base.target->tuning.lock_timeout * 1000;
    long long lock_ms = lock < 1 ? 1 : lock > 2e9 ? 2000000000LL : (long long)lock;
    char *quoted = PQescapeIdentifier(pg->conn, schema, strlen(schema));
    bool ok = quoted != NULL || err_no_memory(err);
    ok = ok && buf_format(&write, err,
                          "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL search_path = %s, pg_temp; "
                          "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = %lld; "
                          "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0" SERVER_KEEPALIVES
                          "%s",
                          quoted, lock_ms, raw);
    ok = ok && buf_format(&read, err,
                          "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = %s, pg_temp; "
                          "SET LOCAL lock_timeout = %lld; SET LOCAL statement_timeout = 0; SET LOCAL "
                          "idle_in_transaction_session_timeout = 0%s%s",
                          quoted, lock_ms, raw,
                          no_views ? "; SET LOCAL restrict_nonsystem_relation_kind = 'view, foreign-table'" : "");
    PQfreemem(quoted);
    pg->begin_write = write.data;
    pg->begin_read = read.data;
    return ok;
}

static bool make_place(Postgres *pg, const char *schema, Err *err)
{
    Buf place = {0};
    bool ok = buf_format(&place, err, "%s/%s", store_target_key(pg->base.target), schema);
    pg->base.place = place.data;
    return ok;
}

/* Asks the server what it is; see session.sql. */
static bool introduce(Postgres *pg, Err *err)
{
    PGresult *answer = NULL;
    bool ok = false;
    const char *label = store_target_label(pg->base.target);
    if (PQsetnonblocking(pg->conn, 1) != 0)
        return postgres_fail_connection(pg, err);
    PQsetErrorVerbosity(pg->conn, PQERRORS_DEFAULT);
    if (!postgres_query(pg, sql_postgresql_session, 0, NULL, false, &answer, err))
        return false;
    if (strtol(PQgetvalue(answer, 0, 0), NULL, 10) < OLDEST_SERVER)
        err_set(err, ERR_STOP, "%s: the server is older than PostgreSQL 13", label);
    else if (PQgetisnull(answer, 0, 3)) {
        err_set(err, ERR_STOP, "%s: no schema of the search path exists", label);
        err_hint(err, "make one, or name one: options=-csearch_path=...");
    } else {
        pg->standby = PQgetvalue(answer, 0, 1)[0] == 't';
        pg->read_only = PQgetvalue(answer, 0, 2)[0] == 't';
        pg->ascii_notes = PQgetvalue(answer, 0, 4)[0] == 't';
        pg->raw_text = PQgetvalue(answer, 0, 6)[0] == 't';
        ok = make_openings(pg, PQgetvalue(answer, 0, 3), PQgetvalue(answer, 0, 5)[0] == 't', err) &&
             make_place(pg, PQgetvalue(answer, 0, 3), err);
    }
    PQclear(answer);
    return ok;
}

bool postgres_open(const StoreTarget *base, Store **out, bool *full, Err *err)
{
    const PostgresTarget *target = (const PostgresTarget *)base;
    Postgres *pg = calloc(1, sizeof *pg);
    Err last = {0};
    bool ok = false;
    if (pg == NULL)
        return err_no_memory(err);
    pg->base = (Store){.driver = base->driver, .target = base};
    pg->patience = base->tuning.timeout;
    ok = connect_any(pg, target, target->prefer_standby ? "standby" : NULL, &last);
    if (!ok && target->prefer_standby && !is_final(&last))
        ok = connect_any(pg, target, "any", &last);
    ok = ok && introduce(pg, &last);
    if (ok)
        *out = &pg->base;
    else {
        *full = strcmp(last.code, "53300") == 0;
        if (err != NULL)
            *err = last;
        postgres_close(&pg->base);
    }
    return ok;
}

void postgres_close(Store *store)
{
    Postgres *pg = (Postgres *)store;
    postgres_drop(pg); /* the server rolls an open transaction back */
    free(pg->begin_write);
    free(pg->begin_read);
    free(pg->base.place);
    free(pg->piece);
    for (size_t i = 0; i < sizeof pg->sent / sizeof *pg->sent; i++)
        buf_free(&pg->sent[i]);
    buf_free(&pg->out);
    free(pg);
}

bool postgres_alive(const Store *store)
{
    const Postgres *pg = (const Postgres *)store;
    return pg->conn != NULL && PQstatus(pg->conn) == CONNECTION_OK;
}

void postgres_library(char *out, size_t cap)
{
    snprintf(out, cap, "libpq %d.%d", PQlibVersion() / 10000, PQlibVersion() % 10000);
}
