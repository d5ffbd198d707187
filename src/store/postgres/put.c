/* COPY ... FROM STDIN (FORMAT binary), https://www.postgresql.org/docs/current/sql-copy.html: a header; for each row the number of
 * fields, then each field's length (-1 = NULL) before its bytes; -1 behind the last row. Integers are big-endian. */
#include "calls.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "guard.h"
#include "session/error.h"
#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "shape.h"
#include "sql.h"
#include "triggers.h"

#define PIECE_BYTES ((size_t)1024 * 1024)
#define SEND_BYTES ((size_t)64 * 1024) /* small rows are gathered up to here */
#define MODELS_FIELDS 18
#define CHUNKS_FIELDS 5
#define EPOCH_2000_US INT64_C(946684800000000) /* PostgreSQL counts from 2000-01-01 */

/* --- fields ------------------------------------------------------------------------------------------------------------------ */

static bool add_integer(Buf *out, uint64_t value, int bytes, Err *err)
{
    unsigned char wire[8];
    for (int i = 0; i < bytes; i++)
        wire[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    return buf_append(out, wire, (size_t)bytes, err);
}

static bool field_integer(Buf *out, int64_t value, int bytes, Err *err)
{
    return add_integer(out, (uint64_t)bytes, 4, err) && add_integer(out, (uint64_t)value, bytes, err);
}

static bool field_bytes(Buf *out, const void *data, size_t len, Err *err)
{
    return add_integer(out, len, 4, err) && buf_append(out, data, len, err);
}

/* NULL and "" = NULL. */
static bool field_note(Postgres *pg, const char *s, Err *err)
{
    if (s == NULL || s[0] == '\0')
        return add_integer(&pg->out, UINT32_MAX, 4, err);
    char *note = postgres_note(pg, s);
    if (note == NULL)
        return err_no_memory(err);
    bool ok = field_bytes(&pg->out, note, strlen(note), err);
    free(note);
    return ok;
}

static bool field_text(Buf *out, const char *s, Err *err)
{
    return field_bytes(out, s, strlen(s), err);
}

static int64_t microseconds(int64_t ns)
{
    return ns / 1000 - (ns % 1000 < 0);
}

static bool field_time(Buf *out, int64_t us, Err *err)
{
    return field_integer(out, us - EPOCH_2000_US, 8, err);
}

static bool field_mtime(Buf *out, const StoredModel *model, Err *err)
{
    return model->no_mtime ? add_integer(out, UINT32_MAX, 4, err) : field_time(out, microseconds(model->source_mtime_ns), err);
}

static bool field_uuid(Buf *out, const char *uuid, Err *err)
{
    char hex[33] = "";
    unsigned char bytes[16];
    size_t used = 0;
    if (uuid == NULL || uuid[0] == '\0')
        return add_integer(out, UINT32_MAX, 4, err);
    for (; *uuid != '\0' && used < 32; uuid++)
        if (*uuid != '-')
            hex[used++] = *uuid;
    if (*uuid != '\0' || !text_unhex(bytes, 16, hex))
        return err_set(err, ERR_BUG, "a run has no UUID");
    return field_bytes(out, bytes, 16, err);
}

/* --- the stream -------------------------------------------------------------------------------------------------------------- */

/* The server talks inside COPY FROM only to end it: fail the COPY on our side too and take its error. */
static bool take_early_error(Postgres *pg, Err *err)
{
    Err told = {0};
    pg->copy = COPY_NONE;
    buf_clear(&pg->out);
    if (!postgres_copy_end(pg, "stopped", err))
        return false;
    if (postgres_results(pg, NULL, &told) || strcmp(told.code, "57014") == 0) /* it had said something else */
        return err_set(err, ERR_RETRY, "%s: the server interrupted the transfer", store_target_label(pg->base.target));
    if (err != NULL)
        *err = told;
    return false;
}

static bool send_bytes(Postgres *pg, const void *data, size_t len, Err *err)
{
    struct pollfd entry = {.fd = PQsocket(pg->conn), .events = POLLIN};
    int sent = PQputCopyData(pg->conn, data, (int)len);
    if (sent == 0) { /* no room behind what waits to be sent, or no memory for more room */
        if (!postgres_flush(pg, err))
            return false;
        sent = PQputCopyData(pg->conn, data, (int)len);
    }
    if (sent == 0)
        return err_no_memory(err);
    if (sent < 0)
        return postgres_fail_connection(pg, err);
    if (!postgres_flush(pg, err))
        return false;
    return (pg->heard || poll(&entry, 1, 0) > 0) ? take_early_error(pg, err) : true;
}

static bool send_gathered(Postgres *pg, Err *err)
{
    if (pg->out.len == 0)
        return true;
    bool ok = send_bytes(pg, pg->out.data, pg->out.len, err);
    buf_clear(&pg->out);
    return ok;
}

/* Completes an open COPY and compares the server's count of rows with ours. */
static bool finish_copy(Postgres *pg, Err *err)
{
    PGresult *result = NULL;
    if (pg->copy == COPY_NONE)
        return true;
    if (!add_integer(&pg->out, UINT16_MAX, 2, err) || !send_gathered(pg, err) || !postgres_copy_end(pg, NULL, err))
        return false;
    pg->copy = COPY_NONE;
    if (!postgres_results(pg, &result, err))
        return false;
    unsigned long long stored = strtoull(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return stored == pg->copy_rows ||
           postgres_error_of_trigger(pg, err, "%llu of %llu rows were stored; a trigger or rule of the table drops rows", stored,
                                     (unsigned long long)pg->copy_rows);
}

static bool open_copy(Postgres *pg, PostgresCopy want, Err *err)
{
    static const char header[19] = "PGCOPY\n\377\r\n"; /* the signature, its NUL, no flags, no extension */
    static const char *const statements[] = {[COPY_MODELS] = sql_postgresql_put_models,
                                             [COPY_MODELS_CREATED] = sql_postgresql_put_models_created,
                                             [COPY_CHUNKS] = sql_postgresql_put_chunks};
    if (pg->copy == want)
        return true;
    if (!finish_copy(pg, err) || !postgres_guard_write(pg, want == COPY_CHUNKS ? "model_chunks" : "models", err) ||
        !postgres_copy_start(pg, statements[want], PGRES_COPY_IN, err))
        return false;
    pg->copy = want;
    pg->copy_rows = 0;
    return buf_append(&pg->out, header, sizeof header, err);
}

/* Bytes `from` up to `to` of the payload; their length was sent. They go into `sha` too, unless it is NULL. */
static bool send_payload(Postgres *pg, Spool *payload, uint64_t from, uint64_t to, Sha256 *sha, Err *err)
{
    while (from < to) {
        const void *data;
        uint64_t left = to - from;
        ptrdiff_t got = spool_view(payload, from, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, pg->piece, &data, err);
        if (got < 0)
            return false;
        if (got == 0)
            return err_set(err, ERR_BUG, "a payload is shorter than it says");
        from += (uint64_t)got;
        if (sha != NULL && !sha256_add(sha, data, (size_t)got, err))
            return false;
        if (pg->out.len + (size_t)got > SEND_BYTES && !send_gathered(pg, err))
            return false;
        if (!((size_t)got > SEND_BYTES ? send_bytes(pg, data, (size_t)got, err) : buf_append(&pg->out, data, (size_t)got, err)))
            return false;
    }
    return true;
}

/* --- rows -------------------------------------------------------------------------------------------------------------------- */

/* created_at as the column has it, in microseconds since 1970. Asks the server at most once for rows of the same second. */
static bool find_created(Postgres *pg, const StoredModel *model, int64_t *us, Err *err)
{
    int64_t second = model->created_ns / 1000000000 - (model->created_ns % 1000000000 < 0);
    char text[24];
    const char *params[] = {text};
    PGresult *answer = NULL;
    *us = microseconds(model->created_ns);
    if (!pg->created_is_local)
        return true;
    if (pg->local_of != second) {
        snprintf(text, sizeof text, "%" PRId64, second);
        if (!finish_copy(pg, err) || !postgres_query(pg, sql_postgresql_local_time, 1, params, false, &answer, err))
            return false;
        pg->local = strtoll(PQgetvalue(answer, 0, 0), NULL, 10);
        pg->local_of = second;
        PQclear(answer);
    }
    *us += (pg->local - second) * 1000000;
    return true;
}

/* All fields of put_models.sql up to the payload's length. */
static bool add_model(Postgres *pg, const StoredModel *model, int64_t created_us, uint32_t inline_bytes, Err *err)
{
    Buf *out = &pg->out;
    bool says_created = pg->copy == COPY_MODELS_CREATED;
    return add_integer(out, MODELS_FIELDS + says_created, 2, err) && field_text(out, model->name, err) &&
           field_integer(out, model->version, pg->version_is_bigint ? 8 : 4, err) && field_text(out, model->model_type, err) &&
           field_text(out, model->event, err) && field_integer(out, model->is_active, 1, err) &&
           field_bytes(out, model->content.byte, DIGEST_BYTES, err) && field_integer(out, (int64_t)model->raw_bytes, 8, err) &&
           field_bytes(out, model->stored.byte, DIGEST_BYTES, err) && field_integer(out, (int64_t)model->stored_bytes, 8, err) &&
           field_text(out, stored_model_format(model), err) && field_text(out, model->is_gzip ? "gzip" : "identity", err) &&
           field_integer(out, model->chunk_count, 4, err) && field_note(pg, model->source_host, err) &&
           field_note(pg, model->source_path, err) && field_mtime(out, model, err) &&
           field_uuid(out, model->run_id, err) &&
           (model->has_members ? field_bytes(out, model->members.byte, DIGEST_BYTES, err) : add_integer(out, UINT32_MAX, 4, err)) &&
           (!says_created || field_time(out, created_us, err)) && add_integer(out, inline_bytes, 4, err);
}

/* All fields of put_chunks.sql. */
static bool put_chunk(Postgres *pg, const StoredModel *model, Spool *payload, uint32_t seq, Sha256 *sha, Err *err)
{
    Digest digest;
    Buf *out = &pg->out;
    uint64_t from = seq * STORE_CHUNK_BYTES, to = from + STORE_CHUNK_BYTES;
    if (to > model->stored_bytes)
        to = model->stored_bytes;
    if (!sha256_reset(sha, err) || !add_integer(out, CHUNKS_FIELDS, 2, err) || !field_text(out, model->name, err) ||
        !field_integer(out, model->version, 4, err) || !field_integer(out, seq, 4, err) || !add_integer(out, to - from, 4, err) ||
        !send_payload(pg, payload, from, to, sha, err) || !sha256_end(sha, &digest, err) ||
        !field_bytes(out, digest.byte, DIGEST_BYTES, err))
        return false;
    pg->copy_rows++;
    return true;
}

static bool put_chunks(Postgres *pg, const StoredModel *model, Spool *payload, Err *err)
{
    Sha256 *sha = sha256_new(err);
    bool ok = sha != NULL && open_copy(pg, COPY_CHUNKS, err);
    for (uint32_t seq = 0; ok && seq < model->chunk_count; seq++)
        ok = put_chunk(pg, model, payload, seq, sha, err);
    sha256_free(sha);
    return ok;
}

bool postgres_batch_begin(Store *store, Err *err)
{
    Postgres *pg = (Postgres *)store;
    postgres_sent_clear(pg);
    if (!postgres_begin(pg, true, err))
        return false;
    if (postgres_learn_shape(pg, err))
        return true;
    postgres_rollback(store);
    return false;
}

bool postgres_put(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    Postgres *pg = (Postgres *)store;
    uint64_t inline_bytes = model->chunk_count == 0 ? model->stored_bytes : 0;
    if (!pg->in_transaction)
        return err_set(err, ERR_BUG, "store_put outside of a batch");
    if (payload->bytes != model->stored_bytes || inline_bytes > INT32_MAX ||
        (model->chunk_count > 0 && model->chunk_count != (model->stored_bytes + STORE_CHUNK_BYTES - 1) / STORE_CHUNK_BYTES))
        return err_set(err, ERR_BUG, "%s: the payload is not of the size that the row says", model->name);
    if (pg->piece == NULL && (pg->piece = malloc(PIECE_BYTES)) == NULL)
        return err_no_memory(err);
    bool says_created = model->created_ns != 0;
    int64_t created_us = 0;
    if (!postgres_sent_note(pg, model, err) || (says_created && !find_created(pg, model, &created_us, err)) ||
        !open_copy(pg, says_created ? COPY_MODELS_CREATED : COPY_MODELS, err) ||
        !add_model(pg, model, created_us, (uint32_t)inline_bytes, err))
        return false;
    pg->copy_rows++;
    return model->chunk_count == 0 ? send_payload(pg, payload, 0, inline_bytes, NULL, err) : put_chunks(pg, model, payload, err);
}

/* Deferred constraints speak at once: at COMMIT nobody could tell which row they mean. */
#define SAVE "SAVEPOINT alone; SET CONSTRAINTS ALL IMMEDIATE"

bool postgres_put_alone(Store *store, const StoredModel *model, Spool *payload, Err *err)
{
    Postgres *pg = (Postgres *)store;
    Err why = {0};
    if (!postgres_run(pg, SAVE, err))
        return false;
    if (postgres_put(store, model, payload, &why) && finish_copy(pg, &why) && postgres_sent_check(pg, &why) &&
        postgres_run(pg, "RELEASE SAVEPOINT alone", &why))
        return true;
    bool refused = why.cls == ERR_SKIP || why.cls == ERR_CONFLICT;
    postgres_sent_clear(pg);
    if (refused && postgres_abandon_copy(pg) && !postgres_run(pg, "ROLLBACK TO SAVEPOINT alone; RELEASE SAVEPOINT alone", err))
        return false;
    if (refused && pg->conn == NULL)
        return err_set(err, ERR_RETRY, "%s: the session was lost", store_target_label(pg->base.target));
    if (err != NULL)
        *err = why;
    return false;
}

bool postgres_change_ready(Store *store, Err *err)
{
    static const char *const tables[] = {"models", "model_aliases", "model_events"};
    Postgres *pg = (Postgres *)store;
    if (!pg->in_transaction)
        return err_set(err, ERR_BUG, "a change outside of a batch");
    bool ok = finish_copy(pg, err);
    for (size_t i = 0; ok && i < sizeof tables / sizeof *tables; i++)
        ok = postgres_guard_write(pg, tables[i], err);
    return ok;
}

bool postgres_batch_commit(Store *store, StoreOutcome *outcome, Err *err)
{
    Postgres *pg = (Postgres *)store;
    *outcome = STORE_REFUSED; /* no COMMIT went out yet */
    return finish_copy(pg, err) && postgres_sent_check(pg, err) && postgres_commit(pg, outcome, err);
}
