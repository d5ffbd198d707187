/* step.c: statements of somebody else, in transactions of their own. */
#include <string.h>

#include "../calls.h"
#include "connection.h"
#include "error.h"
#include "sql.h"
#include "transaction.h"

#define ATTACHED_MAX 10

/* Rows that refer to what is not there, and tables that do. */
static bool count_dangling(Sqlite *sq, int64_t *count, Err *err)
{
    int64_t rows = 0, tables = 0;
    bool ok = sqlite_ask(sq, sql_sqlite_dangling_tables, &tables, err) &&
              (tables > 0 || sqlite_ask(sq, "SELECT count(*) FROM pragma_foreign_key_check", &rows, err));
    *count = tables > 0 ? tables : rows;
    return ok;
}

/* What the shell takes, too: "a text" where there is no such column, and VACUUM, which attaches a file. */
static bool allow_all(Sqlite *sq, Err *err)
{
    sqlite3_limit(sq->db, SQLITE_LIMIT_ATTACHED, ATTACHED_MAX);
    return sqlite_check(sq, sqlite3_db_config(sq->db, SQLITE_DBCONFIG_DQS_DDL, 1, NULL), err) &&
           sqlite_check(sq, sqlite3_db_config(sq->db, SQLITE_DBCONFIG_DQS_DML, 1, NULL), err);
}

bool sqlite_step_begin(Store *store, bool write, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (sq->in_transaction)
        return err_set(err, ERR_BUG, "a transaction inside a transaction");
    if (sq->db == NULL)
        return sqlite_exec(sq, "", err);
    sq->asked_at = 0;
    if (!sqlite_begin_plain(sq, write, err))
        return false;
    if (!write || (allow_all(sq, err) && count_dangling(sq, &sq->dangling, err)))
        return true;
    sqlite_rollback(store);
    return false;
}

static bool plain_words(Err *err)
{
    if (err != NULL && err->cls != ERR_RETRY) {
        err->remedy = REMEDY_NONE;
        if (err->cls == ERR_SCHEMA)
            err->hint[0] = '\0';
    }
    return false;
}

static bool run(Sqlite *sq, const SqlStatement *statement, size_t *position, Err *err)
{
    sqlite3_stmt *prepared = NULL;
    bool row = true;
    if (statement->len > INT32_MAX)
        return err_set(err, ERR_STOP, "a statement of more than 2 GiB");
    bool ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, statement->text, (int)statement->len, &prepared, NULL), err);
#if SQLITE_VERSION_NUMBER >= 3038000
    int offset = ok ? -1 : sqlite3_error_offset(sq->db);
    *position = offset > 0 ? (size_t)offset : 0;
#else
    *position = 0;
#endif
    while (ok && prepared != NULL && row)
        ok = sqlite_step(sq, prepared, &row, err);
    sqlite3_finalize(prepared);
    return ok;
}

bool sqlite_step_run(Store *store, const SqlStatement *statement, size_t *position, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (sq->db == NULL)
        return sqlite_exec(sq, "", err);
    return run(sq, statement, position, err) || plain_words(err);
}

bool sqlite_step_end(Store *store, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    int64_t now = 0;
    if (!count_dangling(sq, &now, err))
        return plain_words(err);
    if (now <= sq->dangling)
        return true;
    err_set(err, ERR_STOP, "%s: after it a foreign key would refer to a row or a table that is not there",
            store_target_label(sq->base.target));
    return err_hint(err, "to build a table anew, make it under another name, copy, drop the old one, then rename the new one");
}
