/* server.h: what the store tests share. They run under scripts/with-postgres; each test makes its own database. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <libpq-fe.h>
#include <stdarg.h>

#include "common.h"

/* The test server's URL with another database. */
static inline const char *url_of(const char *database)
{
    static char url[512];
    const char *given = getenv("MIGRATE_MODELS_TEST_URL");
    ck_assert_msg(given != NULL, "run this test under scripts/with-postgres");
    snprintf(url, sizeof url, "%.*s/%s", (int)(strrchr(given, '/') - given), given, database);
    return url;
}

static inline PGconn *admin(const char *database)
{
    PGconn *conn = PQconnectdb(url_of(database));
    ck_assert_msg(PQstatus(conn) == CONNECTION_OK, "%s", PQerrorMessage(conn));
    return conn;
}

/* Runs SQL beside the store under test; returns the first value as text ("" = NULL or none), valid until the next call. */
static inline const char *sql(const char *database, const char *query)
{
    static char value[4096];
    PGconn *conn = admin(database);
    PGresult *result = PQexec(conn, query);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", query,
                  PQresultErrorMessage(result));
    snprintf(value, sizeof value, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return value;
}

static inline const char *new_database(void)
{
    static char name[64];
    static unsigned number;
    char query[128];
    snprintf(name, sizeof name, "t_%ld_%u", (long)getpid(), number++);
    snprintf(query, sizeof query, "CREATE DATABASE %s", name);
    sql("models", query);
    return name;
}

/* The process number of the one backend that serves the program in that database. */
static inline pid_t backend_of(const char *database)
{
    char query[256];
    snprintf(query, sizeof query,
             "SELECT pid FROM pg_stat_activity WHERE datname = '%s' AND application_name = 'migrate_models_to_db'", database);
    pid_t pid = (pid_t)strtol(sql("models", query), NULL, 10);
    ck_assert_int_gt(pid, 1);
    return pid;
}

/* --- one store for each test ------------------------------------------------------------------------------------------------- */

static const char *database __attribute__((unused));

/* A session with the database of this name. */
static inline void start_in(const char *name)
{
    err = (Err){0};
    database = name;
    target = target_of(url_of(database));
    store = open_store(target);
}

/* Fixture: a database without tables. */
static inline void setup_bare(void)
{
    start_in(new_database());
}

/* Fixture: a database with them. */
static inline void setup(void)
{
    setup_bare();
    ck_ok(schema_upgrade(store, NULL, NULL, &err));
}

static inline void teardown(void)
{
    store_close(store);
    store_target_free(target);
}

#endif
