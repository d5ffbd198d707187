#include "store_postgres.h"

#include <ctype.h>
#include <string.h>

/* What to do, by SQLSTATE: the longest prefix wins, what is not listed stops the run. */
static const struct {
    const char *prefix;
    ErrClass cls;
    const char *hint;
} states[] = {
    {"08", ERR_RETRY, ""},      /* connection exceptions */
    {"22", ERR_SKIP, ""},       /* data exceptions: one row's fault */
    {"23", ERR_SKIP, ""},        /* constraints: a digest that does not match, a rule of the user's own */
    {"23505", ERR_CONFLICT, ""}, /* unique violation */
    {"25006", ERR_STOP, "the server is a standby or read-only; name the primary"},
    {"25P04", ERR_RETRY, "the server ends transactions early (transaction_timeout); lower --batch-bytes"},
    {"25P03", ERR_RETRY, ""},   /* idle in transaction for too long */
    {"28", ERR_STOP, "check user and password (PGPASSFILE, PGPASSWORD or PGSERVICE) and the server's pg_hba.conf"},
    {"3D000", ERR_STOP, "make the database first (createdb), or check its name"},
    {"40001", ERR_RETRY, ""},   /* serialization failure */
    {"40P01", ERR_RETRY, ""},   /* deadlock */
    {"42501", ERR_STOP, "the database user needs SELECT, INSERT, UPDATE and DELETE on the tables; db upgrade needs to own them and CREATE on the schema"},
    {"42703", ERR_SCHEMA, "run: migrate_models_to_db db upgrade"}, /* undefined column */
    {"42P01", ERR_SCHEMA, "run: migrate_models_to_db db upgrade"}, /* undefined table */
    {"53100", ERR_STOP, "the disk of the database server is full"},
    {"53200", ERR_STOP, "the database server has no memory left; lower --jobs or --inline-limit"},
    {"53300", ERR_RETRY, "too many connections; lower --jobs"},
    {"54000", ERR_SKIP, ""},    /* a value is too large for the server */
    {"55P03", ERR_RETRY, "another session holds a lock on the tables"},
    {"57P01", ERR_RETRY, ""},   /* the server shuts down */
    {"57P02", ERR_RETRY, ""},   /* the server crashed */
    {"57P03", ERR_RETRY, ""},   /* the server starts up */
    {"57P05", ERR_RETRY, ""},   /* idle session */
    {"MM001", ERR_SCHEMA, ""},  /* raised by our own migrations */
};

static size_t state_index(const char *sqlstate)
{
    size_t count = sizeof states / sizeof *states, best = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(states[i].prefix);
        if (strncmp(sqlstate, states[i].prefix, len) == 0 && (best == count || len > strlen(states[best].prefix)))
            best = i;
    }
    return best;
}

ErrClass postgres_error_class(const char *sqlstate, const char *message)
{
    size_t i = state_index(sqlstate);
    if (i < sizeof states / sizeof *states)
        return states[i].cls;
    if (strcmp(sqlstate, "XX000") == 0 && message != NULL && strstr(message, "invalid memory alloc") != NULL)
        return ERR_SKIP;
    return ERR_STOP;
}

/* One line: runs of white space become one blank, none at the ends. */
static void one_line(char *out, size_t cap, const char *s)
{
    size_t used = 0;
    for (; *s != '\0' && used + 2 < cap; s++) {
        if (!isspace((unsigned char)*s))
            out[used++] = *s;
        else if (used > 0 && out[used - 1] != ' ')
            out[used++] = ' ';
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

static bool fill(const Postgres *pg, const char *sqlstate, const char *message, const char *detail, const char *hint, Err *err)
{
    char text[1024], more[512] = "";
    size_t i = state_index(sqlstate);
    one_line(text, sizeof text, message);
    if (detail != NULL)
        one_line(more, sizeof more, detail);
    err_set(err, postgres_error_class(sqlstate, message), "%s: %s%s%s%s%s%s", store_target_label(pg->base.target), text, more[0] != '\0' ? ": " : "", more,
            sqlstate[0] != '\0' ? " [" : "", sqlstate, sqlstate[0] != '\0' ? "]" : "");
    if (err != NULL)
        snprintf(err->sqlstate, sizeof err->sqlstate, "%s", sqlstate);
    if (hint != NULL)
        err_hint(err, "%s", hint);
    else if (i < sizeof states / sizeof *states)
        err_hint(err, "%s", states[i].hint);
    return false;
}

bool postgres_fail_result(Postgres *pg, const PGresult *result, Err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool lost = PQstatus(pg->conn) == CONNECTION_BAD;
    if (sqlstate == NULL && lost)
        return postgres_fail_connection(pg, err);
    if (sqlstate == NULL) { /* libpq's own words, such as "out of memory for query result" */
        char text[1024];
        one_line(text, sizeof text, PQresultErrorMessage(result));
        err_set(err, ERR_STOP, "%s: %s", store_target_label(pg->base.target), text[0] != '\0' ? text : PQresStatus(PQresultStatus(result)));
    } else {
        /* The detail names the key of a unique violation; that of a check violation would be the whole row. */
        const char *detail = strcmp(sqlstate, "23505") == 0 ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
        fill(pg, sqlstate, message != NULL ? message : "no message", detail, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT), err);
    }
    if (lost)
        postgres_drop(pg);
    return false;
}

bool postgres_fail_connection(Postgres *pg, Err *err)
{
    char text[1024];
    one_line(text, sizeof text, PQerrorMessage(pg->conn));
    err_set(err, ERR_RETRY, "%s: the connection was lost: %s", store_target_label(pg->base.target), text);
    postgres_drop(pg);
    return false;
}

/* Verbose messages of a failed connect hold `FATAL:  28P01: text`; the last one counts. Returns the text, or NULL. */
static const char *find_sqlstate(const char *message, char out[6])
{
    const char *found = NULL;
    for (const char *s = strstr(message, ":  "); s != NULL; s = strstr(s + 1, ":  ")) {
        if (strspn(s + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || strncmp(s + 8, ": ", 2) != 0)
            continue;
        memcpy(out, s + 3, 5);
        found = s + 10;
    }
    return found;
}

bool postgres_fail_connect(const Postgres *pg, const char *message, bool needs_password, Err *err)
{
    char sqlstate[6] = "", text[1024];
    const char *primary = find_sqlstate(message, sqlstate);
    if (primary != NULL) {
        snprintf(text, sizeof text, "%.*s", (int)strcspn(primary, "\n"), primary);
        return fill(pg, sqlstate, text, NULL, NULL, err);
    }
    one_line(text, sizeof text, message);
    err_set(err, needs_password ? ERR_STOP : ERR_RETRY, "%s: %s", store_target_label(pg->base.target), text);
    return err_hint(err, "%s", needs_password ? "give the password by PGPASSFILE, PGPASSWORD or PGSERVICE"
                                              : "check that the server runs there and that host, port and firewall are right");
}
