#include "payload.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/interrupt.h"
#include "session/error.h"
#include "session/connection.h"
#include "session/value.h"

/* A damaged page, or no payload at all, is the fault of this row only. */
static bool fail_here(Sqlite *sq, const SqlitePayload *payload, Err *err)
{
    int code = sqlite3_extended_errcode(sq->db) & 0xff;
    sqlite_fail(sq, err);
    if ((code != SQLITE_CORRUPT && code != SQLITE_ERROR) || err == NULL)
        return false;
    return err_set(err, ERR_SKIP, "%s@%" PRId32 ": cannot be read: %s", payload->name, payload->version, sqlite3_errmsg(sq->db));
}

static bool open_value(Sqlite *sq, SqlitePayload *payload, const char *table, int64_t row_id, Err *err)
{
    if (sqlite3_blob_open(sq->db, "main", table, "data", row_id, 0, &payload->blob) != SQLITE_OK)
        return fail_here(sq, payload, err);
    payload->left = (uint64_t)sqlite3_blob_bytes(payload->blob);
    return true;
}

static bool read_row(Sqlite *sq, SqlitePayload *payload, bool *found, bool *sized, Err *err)
{
    sqlite3_stmt *row = sqlite_statement(sq, SQLITE_Q_PAYLOAD, err);
    if (row == NULL)
        return false;
    bool ok = sqlite_check(sq, sqlite_bind_text(row, 1, payload->name), err) &&
              sqlite_check(sq, sqlite3_bind_int(row, 2, payload->version), err) && sqlite_step(sq, row, found, err);
    if (ok && *found) {
        payload->row_id = sqlite3_column_int64(row, 0);
        payload->chunk_count = (uint32_t)sqlite3_column_int64(row, 1);
        payload->upload_id = sqlite3_column_int64(row, 2);
        *sized = sqlite3_column_type(row, 3) == SQLITE_INTEGER;
        payload->bytes = sqlite_size(row, 3);
        payload->has_content = sqlite_digest(row, 4, &payload->content);
        payload->has_stored = sqlite_digest(row, 5, &payload->stored);
    }
    sqlite_done(row);
    return ok;
}

bool sqlite_payload_open(Sqlite *sq, const char *name, int32_t version, SqlitePayload *out, bool *found, Err *err)
{
    bool sized = false;
    *out = (SqlitePayload){.name = name, .version = version};
    *found = false;
    if (sq->piece == NULL && (sq->piece = malloc(SQLITE_PIECE_BYTES)) == NULL)
        return err_no_memory(err);
    if (!sq->has_tables)
        return true;
    if (!read_row(sq, out, found, &sized, err))
        return false;
    if (!*found || out->chunk_count > 0)
        return true;
    if (!open_value(sq, out, "model_payloads", out->row_id, err))
        return false;
    if (!sized)
        out->bytes = out->left;
    return true;
}

static bool next_chunk(Sqlite *sq, SqlitePayload *payload, Err *err)
{
    bool found = false;
    int64_t id = 0;
    sqlite3_stmt *row = sqlite_statement(sq, SQLITE_Q_PAYLOAD_CHUNK, err);
    if (row == NULL)
        return false;
    bool ok = sqlite_check(sq, sqlite3_bind_int64(row, 1, payload->upload_id), err) &&
              sqlite_check(sq, sqlite3_bind_int64(row, 2, payload->next_chunk), err) && sqlite_step(sq, row, &found, err);
    if (ok && found)
        id = sqlite3_column_int64(row, 0);
    sqlite_done(row);
    if (ok && !found)
        return err_set(err, ERR_SKIP, "%s@%" PRId32 ": chunk %" PRIu32 " of %" PRIu32 " is missing", payload->name,
                       payload->version, payload->next_chunk, payload->chunk_count);
    sqlite_payload_close(payload);
    payload->next_chunk++;
    return ok && open_value(sq, payload, "upload_chunks", id, err);
}

bool sqlite_payload_next(Sqlite *sq, SqlitePayload *payload, const void **data, size_t *len, Err *err)
{
    *data = "";
    *len = 0;
    if (!interrupt_check(err))
        return false;
    if (payload->at >= payload->bytes)
        return (payload->left == 0 && payload->next_chunk == payload->chunk_count) ||
               err_set(err, ERR_SKIP, "%s@%" PRId32 ": the payload is longer than the %" PRIu64 " bytes that its row says",
                       payload->name, payload->version, payload->bytes);
    if (payload->left == 0 && payload->next_chunk < payload->chunk_count && !next_chunk(sq, payload, err))
        return false;
    if (payload->left == 0)
        return err_set(err, ERR_SKIP, "%s@%" PRId32 ": the payload ends at byte %" PRIu64 " of %" PRIu64, payload->name,
                       payload->version, payload->at, payload->bytes);
    int offset = (int)((uint64_t)sqlite3_blob_bytes(payload->blob) - payload->left);
    uint64_t wanted = payload->left < payload->bytes - payload->at ? payload->left : payload->bytes - payload->at;
    if (wanted > SQLITE_PIECE_BYTES)
        wanted = SQLITE_PIECE_BYTES;
    if (sqlite3_blob_read(payload->blob, sq->piece, (int)wanted, offset) != SQLITE_OK)
        return fail_here(sq, payload, err);
    payload->at += wanted;
    payload->left -= wanted;
    *data = sq->piece;
    *len = (size_t)wanted;
    return true;
}

void sqlite_payload_close(SqlitePayload *payload)
{
    sqlite3_blob_close(payload->blob);
    payload->blob = NULL;
    payload->left = 0;
}

bool sqlite_payload_hash(Sqlite *sq, SqlitePayload *payload, Digest *digest, bool *whole, Err *err)
{
    Err why = {0};
    Sha256 *sha = sha256_new(err);
    const void *data;
    size_t len = 1;
    bool ok = true;
    if (sha == NULL)
        return false;
    while (ok && len > 0)
        ok = sqlite_payload_next(sq, payload, &data, &len, &why) && sha256_add(sha, data, len, &why);
    *whole = ok;
    ok = ok ? sha256_end(sha, digest, &why) : why.cls == ERR_SKIP;
    sha256_free(sha);
    if (!ok && err != NULL)
        *err = why;
    return ok;
}
