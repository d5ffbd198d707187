/* put.c: a batch. The transaction begins with its first row, so that chunks can be stored before it. */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "session/error.h"
#include "session/connection.h"
#include "session/transaction.h"
#include "upload.h"
#include "session/value.h"

#define BIND_BYTES (UINT64_C(16) * 1024 * 1024) /* more than that would be in memory twice */

/* The values of put_row.sql. */
static bool bind_row(Sqlite *sq, sqlite3_stmt *to, const StoredModel *row, const char *mtime, const char *created,
                     int64_t upload_id, Err *err)
{
    const int codes[] = {
        sqlite_bind_text(to, 1, row->name),
        sqlite3_bind_int(to, 2, row->version),
        sqlite_bind_text(to, 3, row->model_type),
        sqlite_bind_text(to, 4, row->event),
        sqlite3_bind_int(to, 5, row->is_active),
        sqlite_bind_digest(to, 6, &row->content),
        sqlite3_bind_int64(to, 7, (int64_t)row->raw_bytes),
        sqlite_bind_digest(to, 8, &row->stored),
        sqlite3_bind_int64(to, 9, (int64_t)row->stored_bytes),
        sqlite_bind_text(to, 10, stored_model_format(row)),
        sqlite_bind_text(to, 11, row->is_gzip ? "gzip" : "identity"),
        sqlite3_bind_int64(to, 12, row->chunk_count),
        sqlite_bind_note(to, 13, row->source_host),
        sqlite_bind_note(to, 14, row->source_path),
        sqlite_bind_text(to, 15, row->no_mtime ? NULL : mtime),
        sqlite_bind_note(to, 16, row->run_id),
        sqlite_bind_digest(to, 17, row->has_members ? &row->members : NULL),
        row->chunk_count > 0 ? sqlite3_bind_int64(to, 18, upload_id) : sqlite3_bind_null(to, 18),
        sqlite_bind_text(to, 19, created),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] != SQLITE_OK)
            return sqlite_fail_code(sq->base.target, codes[i], NULL, err);
    return true;
}

static bool is_text(const char *text)
{
    return text_utf8_valid(text, strlen(text));
}

static bool insert_row(Sqlite *sq, const StoredModel *row, int64_t upload_id, Err *err)
{
    char mtime[SQLITE_TIME_SIZE], created[SQLITE_TIME_SIZE];
    sqlite_time_text(mtime, row->source_mtime_ns);
    sqlite_time_text(created, row->created_ns);
    if (!is_text(row->name) || !is_text(row->model_type) || !is_text(row->event))
        return err_set(err, ERR_SKIP, "%s: name, type or event is no text in UTF-8", row->name);
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_PUT_ROW, err);
    bool ok = statement != NULL && bind_row(sq, statement, row, mtime, row->created_ns != 0 ? created : NULL, upload_id, err) &&
              sqlite_run(sq, statement, err);
    sqlite_done(statement);
    if (!ok && err != NULL && (err->cls == ERR_CONFLICT || err->cls == ERR_SKIP))
        err_prefix(err, "(%s, %d)", row->name, (int)row->version);
    return ok;
}

static bool check_digest(Sqlite *sq, const StoredModel *model, Spool *payload, Err *err)
{
    Digest digest;
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL && sqlite_hash_payload(sq, payload, 0, payload->bytes, sha, NULL, err) && sha256_end(sha, &digest, err);
    sha256_free(sha);
    return ok && (digest_equal(&digest, &model->stored) ||
                  err_set(err, ERR_SKIP, "%s: the payload is not the one that its digest was made of", model->name));
}

/* The payload of the row that was inserted last. */
static bool insert_payload(Sqlite *sq, Spool *payload, Err *err)
{
    int64_t row_id = sqlite3_last_insert_rowid(sq->db);
    sqlite3_stmt *statement = sqlite_statement(sq, SQLITE_Q_PUT_PAYLOAD, err);
    bool whole = !payload->spilled && payload->bytes <= BIND_BYTES;
    if (statement == NULL || !sqlite_check(sq, sqlite3_bind_int64(statement, 1, row_id), err))
        return false;
    int code = whole && payload->bytes > 0 ? sqlite3_bind_blob64(statement, 2, payload->memory.data, payload->bytes, SQLITE_STATIC)
                                           : sqlite3_bind_zeroblob64(statement, 2, payload->bytes);
    return sqlite_check(sq, code, err) && sqlite_run(sq, statement, err) &&
           (whole || sqlite_write_value(sq, "model_payloads", row_id, payload, 0, payload->bytes, err));
}

static bool settle_pending(Sqlite *sq, Err *err)
{
    for (size_t i = 0; i < sq->pending_count; i++)
        if (!insert_row(sq, &sq->pending[i].row, sq->pending[i].upload_id, err) ||
            !sqlite_upload_settle(sq, sq->pending[i].upload_id, err))
            return false;
    return true;
}

static void forget_pending(Sqlite *sq)
{
    sq->pending_count = 0;
    arena_free(&sq->strings);
}

static bool start_transaction(Sqlite *sq, Err *err)
{
    return sq->in_transaction || (sqlite_begin_put(sq, err) && settle_pending(sq, err));
}

/* The row waits for the transaction that the batch's other rows begin, or its commit. */
static bool put_later(Sqlite *sq, const StoredModel *model, Spool *payload, Err *err)
{
    StoredModel copy;
    int64_t upload_id;
    if (!vec_grow(&sq->pending, &sq->pending_cap, sq->pending_count, 1, sizeof *sq->pending, err) ||
        !stored_model_copy(&sq->strings, model, NULL, &copy, err) || !sqlite_upload(sq, model, payload, &upload_id, err))
        return false;
    sq->in_batch = true;
    sq->pending[sq->pending_count++] = (SqlitePending){copy, upload_id};
    return true;
}

static bool put_now(Sqlite *sq, const StoredModel *model, Spool *payload, Err *err)
{
    int64_t upload_id = 0;
    if (model->chunk_count > 0)
        return sqlite_upload(sq, model, payload, &upload_id, err) && insert_row(sq, model, upload_id, err) &&
               sqlite_upload_settle(sq, upload_id, err);
    return check_digest(sq, model, payload, err) && insert_row(sq, model, 0, err) && insert_payload(sq, payload, err);
}

static bool check_size(const Sqlite *sq, const StoredModel *model, const Spool *payload, Err *err)
{
    if (!sq->in_batch)
        return err_set(err, ERR_BUG, "store_put outside of a batch");
    if (payload->bytes != model->stored_bytes || (model->chunk_count == 0 && payload->bytes > INT32_MAX) ||
        (model->chunk_count > 0 && model->chunk_count != (model->stored_bytes + STORE_CHUNK_BYTES - 1) / STORE_CHUNK_BYTES))
        return err_set(err, ERR_BUG, "%s: the payload is not of the size that the row says", model->name);
    return true;
}

bool sqlite_batch_begin(Store *store, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (sq->in_batch || sq->in_transaction)
        return err_set(err, ERR_BUG, "a batch inside a batch");
    if (!sqlite_begin_put(sq, err))
        return false;
    sqlite_rollback(store); /* it may be written, and the tables are there */
    if (!sq->has_swept)
        sqlite_upload_sweep(sq);
    sq->has_swept = true;
    forget_pending(sq);
    sq->in_batch = true;
    return true;
}

bool sqlite_put(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (!check_size(sq, model, payload, err))
        return false;
    if (model->chunk_count > 0 && !sq->in_transaction)
        return put_later(sq, model, payload, err);
    return start_transaction(sq, err) && put_now(sq, model, payload, err);
}

bool sqlite_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    Err why = {0};
    if (!check_size(sq, model, payload, err) || !start_transaction(sq, err) || !sqlite_exec(sq, "SAVEPOINT alone", err))
        return false;
    if (put_now(sq, model, payload, &why) && sqlite_exec(sq, "RELEASE alone", &why))
        return true;
    if ((why.cls == ERR_SKIP || why.cls == ERR_CONFLICT) && !sqlite_exec(sq, "ROLLBACK TO alone; RELEASE alone", err))
        return false;
    if (err != NULL)
        *err = why;
    return false;
}

bool sqlite_change_ready(Store *store, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    if (!sq->in_batch)
        return err_set(err, ERR_BUG, "a change outside of a batch");
    return start_transaction(sq, err);
}

bool sqlite_batch_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    *outcome = STORE_REFUSED;
    bool ok = start_transaction(sq, err) && sqlite_commit(sq, outcome, err);
    if (*outcome == STORE_COMMITTED)
        sq->in_batch = false;
    if (*outcome != STORE_REFUSED)
        forget_pending(sq);
    return ok;
}

/* Uploads whose row will not come are removed, so that a retry does not leave them. */
void sqlite_batch_rollback(Store *store)
{
    Sqlite *sq = (Sqlite *)store;
    sqlite_rollback(store);
    for (size_t i = 0; i < sq->pending_count; i++)
        sqlite_upload_drop(sq, sq->pending[i].upload_id);
    forget_pending(sq);
}
