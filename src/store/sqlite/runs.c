/* runs.c: the record of a run in model_runs, and the identifier of the store. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

#include "sql.h"
#include "session/connection.h"
#include "session/error.h"
#include "session/transaction.h"
#include "session/value.h"

static bool bind_run(Sqlite *sq, sqlite3_stmt *to, const StoreRun *run, Err *err)
{
    const char *texts[] = {run->run_id, run->host, run->user_name, run->models_dir, run->program_version};
    const uint64_t numbers[] = {run->new_count, run->unchanged_count, run->conflict_count,     run->failed_count,
                                run->raw_bytes, run->stored_bytes,    (uint64_t)run->exit_code};
    int code = SQLITE_OK, count = sqlite3_bind_parameter_count(to);
    for (int i = 0; code == SQLITE_OK && i < 5; i++)
        code = texts[i][0] == '\0' ? sqlite_bind_text(to, i + 1, "") : sqlite_bind_note(to, i + 1, texts[i]);
    for (int i = 5; code == SQLITE_OK && i < count; i++)
        code = sqlite3_bind_int64(to, i + 1, (int64_t)numbers[i - 5]);
    return code == SQLITE_OK || sqlite_fail_code(sq->base.target, code, NULL, err);
}

static bool write_run(Sqlite *sq, const StoreRun *run, const char *sql, Err *err)
{
    StoreOutcome outcome;
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite_begin_put(sq, err) && sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql, -1, &statement, NULL), err) &&
              bind_run(sq, statement, run, err) && sqlite_run(sq, statement, err);
    sqlite3_finalize(statement);
    ok = ok && sqlite_commit(sq, &outcome, err);
    if (!ok)
        sqlite_rollback(&sq->base);
    return ok;
}

bool sqlite_run_begin(Store *store, const StoreRun *run, Err *err)
{
    return write_run((Sqlite *)store, run, sql_sqlite_run_begin, err);
}

bool sqlite_run_end(Store *store, const StoreRun *run, Err *err)
{
    return write_run((Sqlite *)store, run, sql_sqlite_run_end, err);
}

static bool ask_identity(Sqlite *sq, Err *err)
{
    sqlite3_stmt *statement = NULL;
    int64_t there = 0;
    bool row = false;
    bool ok = sqlite_ask(sq, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'store_identity'", &there, err);
    if (!ok || there == 0)
        return ok;
    ok = sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql_sqlite_identity, -1, &statement, NULL), err) &&
         sqlite_step(sq, statement, &row, err);
    if (ok && row)
        snprintf(sq->identity, sizeof sq->identity, "%.36s", sqlite_text(statement, 0));
    sqlite3_finalize(statement);
    return ok;
}

bool sqlite_identity(Store *store, char out[STORE_IDENTITY_SIZE], Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (sq->identity[0] == '\0') {
        bool ok = sqlite_begin(sq, false, err) && ask_identity(sq, err);
        sqlite_rollback(store);
        if (!ok)
            return false;
    }
    snprintf(out, STORE_IDENTITY_SIZE, "%s", sq->identity);
    return true;
}
