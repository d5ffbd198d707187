#include "upload.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/host.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/vec.h"
#include "session/error.h"
#include "session/connection.h"
#include "session/transaction.h"
#include "session/value.h"

#define HOST_BYTES 256

/* At least one byte of [from, to). */
static bool view(Sqlite *sq, Spool *payload, uint64_t from, uint64_t to, const void **data, size_t *len, Err *err)
{
    uint64_t left = to - from;
    if (sq->piece == NULL && (sq->piece = malloc(SQLITE_PIECE_BYTES)) == NULL)
        return err_no_memory(err);
    ptrdiff_t got = spool_view(payload, from, left < SQLITE_PIECE_BYTES ? (size_t)left : SQLITE_PIECE_BYTES, sq->piece, data, err);
    *len = (size_t)got;
    return got > 0 || (got == 0 && err_set(err, ERR_BUG, "a payload is shorter than it says"));
}

bool sqlite_hash_payload(Sqlite *sq, Spool *payload, uint64_t from, uint64_t to, Sha256 *piece, Sha256 *whole, Err *err)
{
    const void *data;
    size_t len = 0;
    for (; from < to; from += len)
        if (!view(sq, payload, from, to, &data, &len, err) || (piece != NULL && !sha256_add(piece, data, len, err)) ||
            (whole != NULL && !sha256_add(whole, data, len, err)))
            return false;
    return true;
}

bool sqlite_write_value(Sqlite *sq, const char *table, int64_t row_id, Spool *payload, uint64_t from, uint64_t to, Err *err)
{
    sqlite3_blob *blob = NULL;
    const void *data;
    size_t len = 0;
    bool ok = sqlite_check(sq, sqlite3_blob_open(sq->db, "main", table, "data", row_id, 1, &blob), err);
    for (uint64_t at = from; ok && at < to; at += len)
        ok = view(sq, payload, at, to, &data, &len, err) &&
             sqlite_check(sq, sqlite3_blob_write(blob, data, (int)len, (int)(at - from)), err);
    sqlite3_blob_close(blob);
    return ok;
}

static bool put_chunk(Sqlite *sq, const StoredModel *model, Spool *payload, int64_t upload_id, uint32_t seq, Sha256 *whole,
                      Err *err)
{
    Digest digest;
    uint64_t from = seq * STORE_CHUNK_BYTES, to = from + STORE_CHUNK_BYTES;
    if (to > model->stored_bytes)
        to = model->stored_bytes;
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL && sqlite_hash_payload(sq, payload, from, to, sha, whole, err) && sha256_end(sha, &digest, err);
    sha256_free(sha);
    sqlite3_stmt *statement = ok ? sqlite_statement(sq, SQLITE_Q_PUT_CHUNK, err) : NULL;
    return statement != NULL && sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) &&
           sqlite_check(sq, sqlite3_bind_int64(statement, 2, seq), err) &&
           sqlite_check(sq, sqlite_bind_digest(statement, 3, &digest), err) &&
           sqlite_check(sq, sqlite3_bind_zeroblob64(statement, 4, to - from), err) && sqlite_run(sq, statement, err) &&
           sqlite_write_value(sq, "upload_chunks", sqlite3_last_insert_rowid(sq->db), payload, from, to, err);
}

static bool note_upload(Sqlite *sq, const StoredModel *model, int64_t upload_id, Err *err)
{
    char host[HOST_BYTES];
    host_name(host, sizeof host);
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_UPLOAD_BEGIN, err);
    return statement != NULL && sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) &&
           sqlite_check(sq, sqlite_bind_note(statement, 2, model->run_id), err) &&
           sqlite_check(sq, sqlite3_bind_text(statement, 3, host, -1, SQLITE_TRANSIENT), err) &&
           sqlite_check(sq, sqlite3_bind_int64(statement, 4, getpid()), err) && sqlite_run(sq, statement, err);
}

/* A step in a transaction of its own, or in the one that is open. */
static bool end_step(Sqlite *sq, bool own, bool ok, Err *err)
{
    StoreOutcome outcome;
    if (!own)
        return ok;
    if (ok && sqlite_commit(sq, &outcome, err))
        return true;
    sqlite_rollback(&sq->base);
    return false;
}

bool sqlite_upload(Sqlite *sq, const StoredModel *model, Spool *payload, int64_t *upload_id, Err *err)
{
    bool own = !sq->in_transaction;
    int64_t id = (int64_t)(id_random64() >> 1);
    Digest digest;
    Sha256 *whole = sha256_new(err);
    if (whole == NULL)
        return false;
    bool ok = end_step(sq, own, (!own || sqlite_begin_put(sq, err)) && note_upload(sq, model, id, err), err), noted = ok;
    for (uint32_t seq = 0; ok && seq < model->chunk_count; seq++)
        ok = end_step(sq, own, (!own || sqlite_begin_put(sq, err)) && put_chunk(sq, model, payload, id, seq, whole, err), err) &&
             interrupt_check(err);
    ok = ok && sha256_end(whole, &digest, err) &&
         (digest_equal(&digest, &model->stored) ||
          err_set(err, ERR_SKIP, "%s: the payload is not the one that its digest was made of", model->name));
    sha256_free(whole);
    if (!ok && noted && own)
        sqlite_upload_drop(sq, id);
    *upload_id = id;
    return ok;
}

bool sqlite_upload_settle(Sqlite *sq, int64_t upload_id, Err *err)
{
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_UPLOAD_END, err);
    return statement != NULL && sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) &&
           sqlite_check(sq, sqlite3_bind_int64(statement, 2, getpid()), err) && sqlite_run(sq, statement, err) &&
           (sqlite3_changes(sq->db) == 1 ||
            err_set(err, ERR_RETRY, "%s: another run removed the chunks of a payload before its row was there",
                    store_target_label(sq->base.target)));
}

/* Whoever takes an upload away says so first: its owner, if it lives after all, cannot settle it any more. */
static bool take(Sqlite *sq, int64_t upload_id, Err *err)
{
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_UPLOAD_TAKE, err);
    return statement != NULL && sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) &&
           sqlite_run(sq, statement, err);
}

/* Some of the chunks at a time; *more: there were any. */
static bool drop_some(Sqlite *sq, int64_t upload_id, bool *more, Err *err)
{
    sqlite3_stmt *statement = take(sq, upload_id, err) ? sqlite_statement(sq, SQLITE_Q_UPLOAD_DROP, err) : NULL;
    if (statement == NULL || !sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) || !sqlite_run(sq, statement, err))
        return false;
    *more = sqlite3_changes(sq->db) > 0;
    if (*more)
        return true;
    statement = sqlite_statement(sq, SQLITE_Q_UPLOAD_END, err);
    return statement != NULL && sqlite_check(sq, sqlite3_bind_int64(statement, 1, upload_id), err) &&
           sqlite_check(sq, sqlite3_bind_int64(statement, 2, 0), err) && sqlite_run(sq, statement, err);
}

void sqlite_upload_drop(Sqlite *sq, int64_t upload_id)
{
    bool own = !sq->in_transaction;
    for (bool more = true; more && sq->db != NULL && interrupt_signal() == 0;)
        if (!end_step(sq, own, (!own || sqlite_begin_put(sq, NULL)) && drop_some(sq, upload_id, &more, NULL), NULL))
            return;
}

typedef VEC(int64_t) UploadList;

/* A process number of 0: somebody has begun to remove it. */
static bool is_dead(sqlite3_stmt *row)
{
    int64_t pid = sqlite3_column_int64(row, 2);
    if (sqlite3_column_int64(row, 1) == 0 || pid <= 0 || pid > INT32_MAX)
        return true;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static bool find_dead(Sqlite *sq, UploadList *dead)
{
    char host[HOST_BYTES];
    host_name(host, sizeof host);
    sqlite3_stmt *row = sqlite_statement(sq, SQLITE_Q_UPLOAD_DEAD, NULL);
    bool more = true, ok = row != NULL && sqlite3_bind_text(row, 1, host, -1, SQLITE_STATIC) == SQLITE_OK;
    while (ok && more) {
        ok = sqlite_step(sq, row, &more, NULL);
        if (!ok || !more || !is_dead(row))
            continue;
        int64_t *id = vec_push(dead, NULL);
        ok = id != NULL;
        if (ok)
            *id = sqlite3_column_int64(row, 0);
    }
    sqlite_done(row);
    return ok;
}

void sqlite_upload_sweep(Sqlite *sq)
{
    UploadList dead = {0};
    bool ok = sqlite_begin(sq, false, NULL) && sq->has_tables && find_dead(sq, &dead);
    sqlite_rollback(&sq->base);
    for (size_t i = 0; ok && i < dead.count; i++) {
        log_line(LOG_INFO, "%s: removing the chunks of a payload that a killed run left without a row",
                 store_target_label(sq->base.target));
        sqlite_upload_drop(sq, dead.items[i]);
    }
    free(dead.items);
}
