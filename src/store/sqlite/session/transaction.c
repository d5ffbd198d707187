#include "transaction.h"

#include "error.h"
#include "guard.h"
#include "connection.h"

/* A session whose file was replaced reads and locks one that nobody else sees. */
static bool check_place(Sqlite *sq, Err *err)
{
    int moved = 0;
    if (sqlite3_file_control(sq->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return true;
    return sqlite_fail_code(sq->base.target, SQLITE_READONLY_DBMOVED, "the file is no longer where it was", err);
}

static bool refuse_read_only(const Sqlite *sq, Err *err)
{
    const SqliteTarget *target = (const SqliteTarget *)sq->base.target;
    if (!target->read_only && !target->immutable)
        return sqlite_fail_code(sq->base.target, SQLITE_READONLY, "the file can only be read", err);
    err_set(err, ERR_READ_ONLY, "%s: the address says that the file is only read", store_target_label(sq->base.target));
    return err_hint(err, "leave mode=ro and immutable=1 out of it");
}

bool sqlite_begin_plain(Sqlite *sq, bool write, Err *err)
{
    if (!check_place(sq, err))
        return false;
    if (write && sqlite3_db_readonly(sq->db, "main") == 1)
        return refuse_read_only(sq, err);
    /* Inside of a transaction it would change nothing. */
    if (!sqlite_exec(sq, write ? "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE" : "BEGIN", err))
        return false;
    sq->in_transaction = true;
    return true;
}

bool sqlite_begin(Sqlite *sq, bool write, Err *err)
{
    if (sq->in_transaction)
        return err_set(err, ERR_BUG, "a transaction inside a transaction");
    if (sq->db == NULL)
        return sqlite_exec(sq, "", err);
    sq->asked_at = 0;
    if (!check_place(sq, err))
        return false;
    if (write && sqlite3_db_readonly(sq->db, "main") == 1)
        return refuse_read_only(sq, err);
    if (!sqlite_exec(sq, write ? "BEGIN IMMEDIATE" : "BEGIN", err))
        return false;
    sq->in_transaction = true;
    if (sqlite_guard(sq, write, err))
        return true;
    sqlite_rollback(&sq->base);
    return false;
}

bool sqlite_begin_put(Sqlite *sq, Err *err)
{
    if (!sqlite_begin(sq, true, err))
        return false;
    if (sq->has_tables)
        return true;
    sqlite_rollback(&sq->base);
    err_set(err, ERR_SCHEMA, "%s: the tables are not there yet", store_target_label(sq->base.target));
    return err_remedy(err, REMEDY_UPGRADE);
}

/* While the journal is being removed an error of the disk leaves open what the next one who opens the file finds: all or nothing.
 */
bool sqlite_commit(Sqlite *sq, StoreOutcome *outcome, Err *err)
{
    Err why = {0};
    sq->committing = true;
    bool ok = sqlite_exec(sq, "COMMIT", &why);
    sq->committing = false;
    if (ok) {
        sq->in_transaction = false;
        sqlite3_db_release_memory(sq->db);
        *outcome = STORE_COMMITTED;
        return true;
    }
    *outcome = STORE_REFUSED;
    if (sq->db != NULL && (sqlite3_errcode(sq->db) & 0xff) == SQLITE_IOERR) {
        *outcome = STORE_UNKNOWN;
        why.cls = ERR_RETRY;
        sqlite_drop(sq);
    }
    if (err != NULL)
        *err = why;
    return false;
}

static void reset_all(Sqlite *sq)
{
    sqlite3_blob_close(sq->fetch.blob);
    sq->fetch.blob = NULL;
    for (size_t i = 0; i < SQLITE_Q_COUNT; i++)
        sqlite_done(sq->statements[i]);
}

void sqlite_rollback(Store *store)
{
    Sqlite *sq = (Sqlite *)store;
    sq->in_transaction = sq->in_batch = false;
    if (sq->db == NULL)
        return;
    reset_all(sq);
    if (!sqlite3_get_autocommit(sq->db) && !sqlite_exec(sq, "ROLLBACK", NULL) && !sqlite3_get_autocommit(sq->db)) {
        sqlite_drop(sq);
        return;
    }
    sqlite3_db_release_memory(sq->db);
}

bool sqlite_wait_writers(Store *store, Err *err)
{
    bool ok = sqlite_begin((Sqlite *)store, true, err);
    sqlite_rollback(store);
    return ok;
}
