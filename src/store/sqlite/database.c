/* database.c: what database.h asks for. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/error.h"
#include "session/guard.h"
#include "session/connection.h"
#include "sql.h"
#include "session/transaction.h"

bool sqlite_transaction_begin(Store *store, bool write, Err *err)
{
    return sqlite_begin((Sqlite *)store, write, err);
}

bool sqlite_transaction_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    return sqlite_commit((Sqlite *)store, outcome, err);
}

/* A writing transaction is the only one of the file, so it holds every lock. */
bool sqlite_try_lock(Store *store, int64_t lock, bool *taken, Err *err)
{
    (void)store;
    (void)lock;
    (void)err;
    *taken = true;
    return true;
}

static size_t error_position(const Sqlite *sq, const char *script, const char *statement)
{
    size_t start = (size_t)(statement - script) + strspn(statement, " \t\r\n;");
#if SQLITE_VERSION_NUMBER >= 3038000
    int offset = sqlite3_error_offset(sq->db);
    return offset >= 0 ? (size_t)(statement - script) + (size_t)offset : start;
#else
    (void)sq;
    return start;
#endif
}

bool sqlite_run_script(Store *store, const char *script, size_t *position, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    *position = SIZE_MAX;
    for (const char *at = script, *next; *at != '\0'; at = next) {
        sqlite3_stmt *statement = NULL;
        bool row = true, ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, at, -1, &statement, &next), err);
        if (!ok)
            *position = error_position(sq, script, at);
        while (ok && statement != NULL && row)
            ok = sqlite_step(sq, statement, &row, err);
        if (!ok && *position == SIZE_MAX)
            *position = (size_t)(at - script) + strspn(at, " \t\r\n;");
        sqlite3_finalize(statement);
        if (!ok)
            return false;
    }
    return true;
}

/* Parameters are $1 or ?1. */
static bool bind_params(Sqlite *sq, sqlite3_stmt *statement, const char *const *params, size_t count, Err *err)
{
    int wanted = sqlite3_bind_parameter_count(statement);
    for (size_t i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "$%zu", i + 1);
        int number = sqlite3_bind_parameter_index(statement, name);
        if (number == 0)
            number = (int)i + 1;
        if (number <= wanted &&
            !sqlite_check(sq,
                          params[i] == NULL ? sqlite3_bind_null(statement, number)
                                            : sqlite3_bind_text(statement, number, params[i], -1, SQLITE_STATIC),
                          err))
            return false;
    }
    return true;
}

static bool take_rows(Sqlite *sq, sqlite3_stmt *statement, DatabaseRowFn fn, void *ctx, Err *err)
{
    int columns = sqlite3_column_count(statement);
    const char **values = calloc((size_t)columns + 1, sizeof *values);
    bool row = true, ok = values != NULL || err_no_memory(err);
    while (ok && row) {
        ok = sqlite_step(sq, statement, &row, err);
        for (int i = 0; ok && row && i < columns; i++)
            values[i] = (const char *)sqlite3_column_text(statement, i);
        if (ok && row && fn != NULL)
            ok = fn(ctx, values, (size_t)columns, err);
    }
    free(values);
    return ok;
}

bool sqlite_query_text(Store *store, const char *sql, const char *const *params, size_t count, DatabaseRowFn fn, void *ctx,
                       Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql, -1, &statement, NULL), err) &&
              bind_params(sq, statement, params, count, err) && take_rows(sq, statement, fn, ctx, err);
    sqlite3_finalize(statement);
    return ok;
}

/* "a ""b""" is the name a "b". */
static char *unquote(const char *identifier)
{
    char *name = strdup(identifier), *to = name;
    if (name == NULL || *identifier != '"')
        return name;
    for (const char *at = identifier + 1; *at != '\0' && !(at[0] == '"' && at[1] == '\0'); at++) {
        if (at[0] == '"' && at[1] == '"')
            at++;
        *to++ = *at;
    }
    *to = '\0';
    return name;
}

bool sqlite_has_table(Store *store, const char *identifier, bool *has, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    sqlite3_stmt *statement = NULL;
    char *name = unquote(identifier);
    if (name == NULL)
        return err_no_memory(err);
    bool ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql_sqlite_has_table, -1, &statement, NULL), err) &&
              sqlite_check(sq, sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC), err) &&
              sqlite_step(sq, statement, has, err);
    sqlite3_finalize(statement);
    free(name);
    return ok;
}

/* Without a table; or with ours, and neither a row nor a run: whoever was making the file was killed between two revisions. */
bool sqlite_is_blank(Store *store, bool *blank, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    int64_t count, used = 0;
    if (!sqlite_ask(sq, "SELECT count(*) FROM sqlite_master", &count, err))
        return false;
    if (count > 0 && (!sqlite_guard(sq, false, err) || (sq->has_tables && !sqlite_ask(sq, sql_sqlite_is_used, &used, err))))
        return false;
    *blank = count == 0 || (sq->has_tables && used == 0);
    return true;
}

/* What is there is looked at by whoever begins a transaction. */
bool sqlite_inspect(Store *store, bool to_change, Err *err)
{
    return !to_change || sqlite_guard_change((Sqlite *)store, err);
}
