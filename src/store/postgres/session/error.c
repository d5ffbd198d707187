#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

/* What to do, by SQLSTATE: the longest prefix wins, what is not listed stops the run. */
static const struct {
    const char *prefix;
    ErrClass cls;
    const char *hint;
    ErrRemedy remedy;
} states[] = {
    {"08", ERR_RETRY, "", REMEDY_NONE}, /* connection exceptions */
    {"22", ERR_SKIP, "", REMEDY_NONE}, /* data exceptions: one row's fault */
    {"23", ERR_SKIP, "", REMEDY_NONE}, /* constraints: a digest that does not match, a rule of the user's own */
    {"23505", ERR_CONFLICT, "", REMEDY_NONE}, /* unique violation */
    {"25006", ERR_READ_ONLY, "the server is a standby or read-only; name the primary", REMEDY_NONE},
    {"25P04", ERR_RETRY, "the server ends transactions early (transaction_timeout)", REMEDY_SMALLER_BATCH},
    {"25P03", ERR_RETRY, "", REMEDY_NONE}, /* idle in transaction for too long */
    {"27000", ERR_SKIP, "", REMEDY_NONE}, /* triggered data change: found by ourselves, see triggers.c */
    {"28", ERR_STOP, "check user and password (PGPASSFILE, PGPASSWORD or PGSERVICE) and the server's pg_hba.conf", REMEDY_NONE},
    {"3D000", ERR_STOP, "make the database first (createdb), or check its name", REMEDY_NONE},
    {"40001", ERR_RETRY, "", REMEDY_NONE}, /* serialization failure */
    {"40P01", ERR_RETRY, "", REMEDY_NONE}, /* deadlock */
    {"42501", ERR_STOP,
     "the database user needs SELECT, INSERT, UPDATE and DELETE on the tables; an upgrade, to own them and CREATE on the schema",
     REMEDY_NONE},
    {"42703", ERR_SCHEMA, "", REMEDY_UPGRADE}, /* undefined column */
    {"42P01", ERR_SCHEMA, "", REMEDY_UPGRADE}, /* undefined table */
    {"53100", ERR_STOP, "the disk of the database server is full", REMEDY_NONE},
    {"53200", ERR_STOP, "the database server has no memory left", REMEDY_LOWER_INLINE},
    {"53300", ERR_RETRY, "too many connections", REMEDY_FEWER_SESSIONS},
    {"54000", ERR_SKIP, "", REMEDY_NONE}, /* a value is too large for the server */
    {"55P03", ERR_RETRY, "another session holds a lock on the tables", REMEDY_NONE},
    {"57P01", ERR_RETRY, "", REMEDY_NONE}, /* the server shuts down */
    {"57P02", ERR_RETRY, "", REMEDY_NONE}, /* the server crashed */
    {"57P03", ERR_RETRY, "", REMEDY_NONE}, /* the server starts up */
    {"57P05", ERR_RETRY, "", REMEDY_NONE}, /* idle session */
    {"MM001", ERR_SCHEMA, "", REMEDY_NONE}, /* raised by our own migrations */
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

/* pgbouncer reports everything as 08P01. Most causes are transient (its server is down); these two are misconfiguration. */
static bool is_refused_by_pooler(const char *sqlstate, const char *message)
{
    return strcmp(sqlstate, "08P01") == 0 && message != NULL &&
           (strstr(message, "pooling mode") != NULL || strstr(message, "startup parameter") != NULL);
}

ErrClass postgres_error_class(const char *sqlstate, const char *message)
{
    size_t i = state_index(sqlstate);
    if (is_refused_by_pooler(sqlstate, message))
        return ERR_STOP;
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

/* The tables that are only read by whoever only reads: one GRANT is enough for all of them. */
static const char reader_tables[] = "models, model_chunks, model_aliases, model_events, store_identity, migrate_models_revisions";

static bool is_reader_table(const char *table)
{
    size_t len = strlen(table);
    const char *found = strstr(reader_tables, table);
    return found != NULL && (found == reader_tables || found[-1] == ' ') && (found[len] == ',' || found[len] == '\0');
}

/* What the message says in English; a server that speaks another language gets the general hint. False: no hint was given. */
static bool hint_grant(const Postgres *pg, const char *message, Err *err)
{
    static const char denied[] = "permission denied for ";
    static const char more[] = "; to store also INSERT on models, model_chunks and model_runs, and UPDATE on model_runs; "
                               "to upgrade, own the tables";
    static const struct {
        const char *kind, *grant, *more;
    } kinds[] = {{"table ", "SELECT ON", more},
                 {"relation ", "SELECT ON", more},
                 {"view ", "SELECT ON", more},
                 {"sequence ", "USAGE ON SEQUENCE", ""},
                 {"schema ", "USAGE ON SCHEMA", "; an upgrade needs CREATE on the schema, too"}};
    const char *what = message + strlen(denied), *user = pg->conn != NULL ? PQuser(pg->conn) : NULL;
    if (strncmp(message, denied, strlen(denied)) != 0 || user == NULL)
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strncmp(what, kinds[i].kind, strlen(kinds[i].kind)) != 0)
            continue;
        const char *name = what + strlen(kinds[i].kind);
        err_hint(err, "%sGRANT %s %s TO \"%s\"%s", i < 3 ? "to read: " : "", kinds[i].grant,
                 i < 3 && is_reader_table(name) ? reader_tables : name, user, kinds[i].more);
        return true;
    }
    return false;
}

static bool fill(const Postgres *pg, const char *sqlstate, const char *message, const char *detail, const char *hint, Err *err)
{
    char text[1024], more[512] = "";
    size_t i = state_index(sqlstate);
    one_line(text, sizeof text, message);
    if (detail != NULL)
        one_line(more, sizeof more, detail);
    err_set(err, postgres_error_class(sqlstate, message), "%s: %s%s%s%s%s%s", store_target_label(pg->base.target), text,
            more[0] != '\0' ? ": " : "", more, sqlstate[0] != '\0' ? " [" : "", sqlstate, sqlstate[0] != '\0' ? "]" : "");
    if (err != NULL)
        snprintf(err->code, sizeof err->code, "%s", sqlstate);
    if (is_refused_by_pooler(sqlstate, message))
        err_hint(err, "a pooler must be in session or transaction mode, and let the startup parameters pass "
                      "(ignore_startup_parameters)");
    else if (hint != NULL)
        err_hint(err, "%s", hint);
    else if (strcmp(sqlstate, "42501") == 0 && hint_grant(pg, text, err))
        return false;
    else if (i < sizeof states / sizeof *states)
        err_hint(err, "%s", states[i].hint);
    if (i < sizeof states / sizeof *states)
        err_remedy(err, states[i].remedy);
    return false;
}

/* Where we know better than the server what to do. */
static void better_hint(const PGresult *result, const char *sqlstate, Err *err)
{
    const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME), *column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME);
    if (strcmp(sqlstate, "0A000") == 0 && function != NULL && strcmp(function, "DoCopy") == 0) /* its own hint is to use INSERT */
        err_hint(err, "the table has row level security: use its owner or a role with BYPASSRLS, or switch it off for the table");
    else if (strcmp(sqlstate, "23502") == 0 && table != NULL && column != NULL)
        err_hint(err, "give the column %s of %s a default, or allow NULL in it", column, table);
}

bool postgres_error_of_trigger(const Postgres *pg, Err *err, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fill(pg, "27000", text, NULL, NULL, err);
}

bool postgres_error_of_connection(const Postgres *pg, Err *err)
{
    char text[1024];
    one_line(text, sizeof text, PQerrorMessage(pg->conn));
    return err_set(err, ERR_RETRY, "%s: the connection was lost: %s", store_target_label(pg->base.target), text);
}

bool postgres_error_of_result(const Postgres *pg, const PGresult *result, Err *err)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL && PQstatus(pg->conn) == CONNECTION_BAD)
        return postgres_error_of_connection(pg, err);
    if (sqlstate == NULL) { /* libpq's own words, such as "out of memory for query result" */
        char text[1024];
        one_line(text, sizeof text, PQresultErrorMessage(result));
        err_set(err, ERR_STOP, "%s: %s", store_target_label(pg->base.target),
                text[0] != '\0' ? text : PQresStatus(PQresultStatus(result)));
    } else {
        /* The detail names the key of a unique violation; that of a check violation would be the whole row. */
        const char *detail = strcmp(sqlstate, "23505") == 0 ? PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL) : NULL;
        fill(pg, sqlstate, message != NULL ? message : "no message", detail, PQresultErrorField(result, PG_DIAG_MESSAGE_HINT), err);
        better_hint(result, sqlstate, err);
    }
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

/* Messages that libpq makes itself, without a SQLSTATE, when a server is reachable but unsuitable. The last entry is for all
 * others. */
static const struct {
    const char *words;
    ErrClass cls;
    const char *hint;
} refusals[] = {
    {"does not support SSL", ERR_STOP, "switch SSL on at the server, or choose another sslmode"},
    {"ertificate", ERR_STOP, "check sslmode, sslrootcert and the certificate of the server"},
    {"session is read-only", ERR_RETRY, "no server of the list is what target_session_attrs asks for"},
    {"session is not read-only", ERR_RETRY, "no server of the list is what target_session_attrs asks for"},
    {"in hot standby mode", ERR_RETRY, "no server of the list is what target_session_attrs asks for"},
    {"", ERR_RETRY, "check that the server runs there and that host, port and firewall are right"},
};

bool postgres_error_of_connect(const Postgres *pg, const char *message, bool needs_password, Err *err)
{
    char sqlstate[6] = "", text[1024];
    size_t i, count = sizeof refusals / sizeof *refusals;
    const char *primary = find_sqlstate(message, sqlstate);
    if (primary != NULL) {
        snprintf(text, sizeof text, "%.*s", (int)strcspn(primary, "\n"), primary);
        return fill(pg, sqlstate, text, NULL, NULL, err);
    }
    one_line(text, sizeof text, message);
    for (i = 0; i + 1 < count && strstr(text, refusals[i].words) == NULL; i++)
        ;
    err_set(err, needs_password ? ERR_STOP : refusals[i].cls, "%s: %s", store_target_label(pg->base.target), text);
    return err_hint(err, "%s", needs_password ? "give the password by PGPASSFILE, PGPASSWORD or PGSERVICE" : refusals[i].hint);
}
