#include "connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "error.h"
#include "sql.h"
#include "target.h"

#define PROGRESS_STEPS 4000
#define GRACE_SECONDS 0.7 /* after a signal: what is under way may end */
#define PAUSE_FIRST_SECONDS 0.001
#define PAUSE_MAX_SECONDS 0.05

static const char *const texts[SQLITE_Q_COUNT] = {
    [SQLITE_Q_CATALOG] = sql_sqlite_catalog,
    [SQLITE_Q_ODD_ROWS] = sql_sqlite_odd_rows,
    [SQLITE_Q_PICKLES] = sql_sqlite_pickles,
    [SQLITE_Q_FIND] = sql_sqlite_find,
    [SQLITE_Q_DIGEST_KEEP] = sql_sqlite_digest_keep,
    [SQLITE_Q_LIST] = sql_sqlite_list,
    [SQLITE_Q_LIST_NAME] = sql_sqlite_list_name,
    [SQLITE_Q_PAYLOAD] = sql_sqlite_payload,
    [SQLITE_Q_PAYLOAD_CHUNK] = sql_sqlite_payload_chunk,
    [SQLITE_Q_PAYLOAD_CHUNKS] = sql_sqlite_payload_chunks,
    [SQLITE_Q_PUT_ROW] = sql_sqlite_put_row,
    [SQLITE_Q_PUT_PAYLOAD] = sql_sqlite_put_payload,
    [SQLITE_Q_PUT_CHUNK] = sql_sqlite_put_chunk,
    [SQLITE_Q_UPLOAD_BEGIN] = sql_sqlite_upload_begin,
    [SQLITE_Q_UPLOAD_END] = sql_sqlite_upload_end,
    [SQLITE_Q_UPLOAD_TAKE] = sql_sqlite_upload_take,
    [SQLITE_Q_UPLOAD_DEAD] = sql_sqlite_upload_dead,
    [SQLITE_Q_UPLOAD_DROP] = sql_sqlite_upload_drop,
};

/* Readers of a rollback journal wait while pages are written, and a transaction that spills pages keeps them waiting until it ends:
 * up to 32 MiB stay in memory. secure_delete would write the pages of a removed payload once more. */
static const char settings[] =
    "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA synchronous = EXTRA; PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = OFF; PRAGMA cache_size = -16384; PRAGMA cache_spill = -32768;"
    "PRAGMA recursive_triggers = OFF; PRAGMA mmap_size = 0;";

/* Of a file that is still empty. 32 KiB: payloads are read and written at twice the speed of 4 KiB. */
static const char settings_of_file[] = "PRAGMA page_size = 32768; PRAGMA auto_vacuum = INCREMENTAL;";

/* True once the grace after a signal is over. */
static bool must_end(Sqlite *sq)
{
    if (sq->committing || interrupt_signal() == 0)
        return false;
    if (sq->asked_at <= 0)
        sq->asked_at = clock_seconds();
    return clock_seconds() - sq->asked_at > GRACE_SECONDS;
}

static int on_progress(void *ctx)
{
    return must_end(ctx);
}

/* Called while another connection has the lock; 0 = give up. */
static int on_busy(void *ctx, int count)
{
    Sqlite *sq = ctx;
    double now = clock_seconds(), pause = PAUSE_FIRST_SECONDS * (1 + count);
    if (count == 0)
        sq->wait_until = now + sq->base.target->tuning.lock_timeout;
    if (now >= sq->wait_until || must_end(sq))
        return 0;
    if (pause > PAUSE_MAX_SECONDS)
        pause = PAUSE_MAX_SECONDS;
    clock_sleep(pause < sq->wait_until - now ? pause : sq->wait_until - now);
    return 1;
}

bool sqlite_check(Sqlite *sq, int code, Err *err)
{
    return code == SQLITE_OK || sqlite_fail(sq, err);
}

static bool is_lost(const Sqlite *sq, Err *err)
{
    return sq->db == NULL && !err_set(err, ERR_RETRY, "%s: the session was lost", store_target_label(sq->base.target));
}

bool sqlite_exec(Sqlite *sq, const char *sql, Err *err)
{
    return !is_lost(sq, err) && sqlite_check(sq, sqlite3_exec(sq->db, sql, NULL, NULL, NULL), err);
}

bool sqlite_ask(Sqlite *sq, const char *sql, int64_t *value, Err *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    if (is_lost(sq, err) || !sqlite_check(sq, sqlite3_prepare_v2(sq->db, sql, -1, &statement, NULL), err))
        return false;
    bool ok = sqlite_step(sq, statement, &row, err);
    *value = ok && row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return ok;
}

sqlite3_stmt *sqlite_statement(Sqlite *sq, SqliteQuery query, Err *err)
{
    sqlite3_stmt **statement = &sq->statements[query];
    if (is_lost(sq, err))
        return NULL;
    if (*statement == NULL &&
        !sqlite_check(sq, sqlite3_prepare_v3(sq->db, texts[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL), err))
        return NULL;
    return *statement;
}

bool sqlite_step(Sqlite *sq, sqlite3_stmt *statement, bool *row, Err *err)
{
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return true;
    sqlite_fail(sq, err);
    sqlite_done(statement);
    return false;
}

void sqlite_done(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
}

bool sqlite_run(Sqlite *sq, sqlite3_stmt *statement, Err *err)
{
    bool row = true, ok = true;
    while (ok && row)
        ok = sqlite_step(sq, statement, &row, err);
    sqlite_done(statement);
    return ok;
}

/* `immutable` can be said in a URI only. */
static bool uri_of(const SqliteTarget *target, Buf *out, Err *err)
{
    bool ok = buf_text(out, "file:", err);
    for (const char *at = target->path; ok && *at != '\0'; at++)
        ok = strchr("%?#", *at) != NULL ? buf_format(out, err, "%%%02X", (unsigned)*at) : buf_append(out, at, 1, err);
    return ok && buf_text(out, "?immutable=1", err);
}

static bool connect_to(Sqlite *sq, const SqliteTarget *target, Err *err)
{
    Buf uri = {0};
    const char *name = target->path;
    int flags = SQLITE_OPEN_NOMUTEX | (target->read_only || target->immutable ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    if (sqlite_target_is_missing(&target->base)) {
        name = ":memory:";
        flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    } else if (target->immutable) {
        if (!uri_of(target, &uri, err)) {
            buf_free(&uri);
            return false;
        }
        name = uri.data;
        flags |= SQLITE_OPEN_URI;
    }
    int code = sqlite3_open_v2(name, &sq->db, flags, NULL);
    buf_free(&uri);
    if (sq->db == NULL)
        return err_no_memory(err);
    sqlite3_extended_result_codes(sq->db, 1);
    return sqlite_check(sq, code, err);
}

/* The file may come from anybody: nothing in its schema runs what is not harmless, and nothing writes its schema by hand. */
static bool distrust(Sqlite *sq, Err *err)
{
    static const struct {
        int option, value;
    } options[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                   {SQLITE_DBCONFIG_DQS_DDL, 0},
                   {SQLITE_DBCONFIG_DQS_DML, 0},
                   {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!sqlite_check(sq, sqlite3_db_config(sq->db, options[i].option, options[i].value, NULL), err))
            return false;
    sqlite3_limit(sq->db, SQLITE_LIMIT_ATTACHED, 0);
    return true;
}

/* The first look at the file: it is one of SQLite, and a journal that a killed program left is played back. */
static bool prepare(Sqlite *sq, const SqliteTarget *target, Err *err)
{
    int64_t pages;
    if (!distrust(sq, err) || !sqlite_exec(sq, settings, err) || !sqlite_ask(sq, "PRAGMA page_count", &pages, err))
        return false;
    if (pages > 0 || sqlite3_db_readonly(sq->db, "main") == 1)
        return true;
    return sqlite_exec(sq, settings_of_file, err) && (!target->wal || sqlite_exec(sq, "PRAGMA journal_mode = WAL", err));
}

/* What SQLite opens beside the file: a pipe there would be waited for. Without locks it is not read, and it may be what tells that
 * pages of the file are to be taken back, or are newer there. */
static bool check_beside(const SqliteTarget *target, const char *ending, Err *err)
{
    struct stat status;
    Buf path = {0};
    if (!buf_text(&path, target->path, err) || !buf_text(&path, ending, err)) {
        buf_free(&path);
        return false;
    }
    bool is_there = lstat(path.data, &status) == 0;
    buf_free(&path);
    if (!is_there)
        return true;
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_USAGE, "%s%s is no regular file", target->base.label, ending);
    if (!target->immutable || status.st_size == 0)
        return true;
    err_set(err, ERR_STOP, "%s: %s%s stands beside it, which is not read with ?immutable=1", target->base.label,
            target->base.label, ending);
    return err_hint(err, "open the file once without ?immutable=1, where it can be written");
}

static bool find_file(const SqliteTarget *target, Err *err)
{
    struct stat status;
    if (!check_beside(target, "-journal", err) || !check_beside(target, "-wal", err))
        return false;
    if (stat(target->path, &status) == 0 && !S_ISREG(status.st_mode))
        return err_set(err, ERR_USAGE, "%s is no regular file", target->base.label);
    if (!sqlite_target_is_missing(&target->base) || target->base.may_be_missing)
        return true;
    if (target->base.may_create && !target->read_only && !target->immutable)
        return sqlite_target_create(target, err);
    return err_set(err, ERR_USAGE, "there is no file %s", target->base.label);
}

bool sqlite_open(const StoreTarget *target, Store **out, bool *full, Err *err)
{
    const SqliteTarget *file = (const SqliteTarget *)target;
    (void)full; /* a file has no number of sessions */
    if (!find_file(file, err))
        return false;
    Sqlite *sq = calloc(1, sizeof *sq);
    if (sq == NULL)
        return err_no_memory(err);
    sq->base = (Store){.driver = target->driver, .target = target, .place = strdup(target->key)};
    sq->guarded = -1;
    bool ok = (sq->base.place != NULL || err_no_memory(err)) && connect_to(sq, file, err);
    if (ok) {
        sqlite3_busy_handler(sq->db, on_busy, sq);
        sqlite3_progress_handler(sq->db, PROGRESS_STEPS, on_progress, sq);
        ok = prepare(sq, file, err);
    }
    if (ok)
        *out = &sq->base;
    else
        sqlite_close(&sq->base);
    return ok;
}

void sqlite_drop(Sqlite *sq)
{
    sqlite3_blob_close(sq->fetch.blob);
    sq->fetch.blob = NULL;
    for (size_t i = 0; i < SQLITE_Q_COUNT; i++) {
        sqlite3_finalize(sq->statements[i]);
        sq->statements[i] = NULL;
    }
    sqlite3_close(sq->db);
    sq->db = NULL;
    sq->in_transaction = sq->in_batch = false;
}

void sqlite_close(Store *store)
{
    Sqlite *sq = (Sqlite *)store;
    sqlite_drop(sq); /* which rolls back */
    free(sq->fetch_name);
    free(sq->pending);
    free(sq->piece);
    arena_free(&sq->strings);
    free(sq->base.place);
    free(sq);
}

bool sqlite_alive(const Store *store)
{
    return ((const Sqlite *)store)->db != NULL;
}

void sqlite_library(char *out, size_t cap)
{
    snprintf(out, cap, "SQLite %s", sqlite3_libversion());
}
