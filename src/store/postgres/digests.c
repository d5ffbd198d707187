#include "digests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "guard.h"
#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"
#include "version.h"

#define CALL_BYTES ((uint64_t)64 * 1024 * 1024) /* hashed by one query … */
#define CALL_ROWS 500                           /* … and of small rows, so many */

enum { NAMES, VERSIONS, MARKS, HEXES, ARRAYS };

/* Some of the digests as the arrays of a query. */
typedef struct Call {
    Buf arrays[ARRAYS];
    PostgresDigest **chosen;
    size_t count;
    uint64_t bytes;
} Call;

static bool call_start(Call *call, size_t most, Err *err)
{
    *call = (Call){.chosen = calloc(most + 1, sizeof(PostgresDigest *))};
    if (call->chosen == NULL)
        return err_no_memory(err);
    for (size_t k = 0; k < ARRAYS; k++)
        if (!buf_text(&call->arrays[k], "{", err))
            return false;
    return true;
}

static bool call_add(Call *call, PostgresDigest *digest, Err *err)
{
    Buf *arrays = call->arrays;
    const char *comma = call->count > 0 ? "," : "";
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(&digest->digest, hex);
    call->chosen[call->count++] = digest;
    call->bytes += digest->bytes;
    return buf_text(&arrays[NAMES], comma, err) && postgres_text_element(&arrays[NAMES], digest->name, err) &&
           buf_format(&arrays[VERSIONS], err, "%s%" PRId32, comma, digest->version) && buf_text(&arrays[MARKS], comma, err) &&
           postgres_text_element(&arrays[MARKS], digest->mark, err) && buf_format(&arrays[HEXES], err, "%s%s", comma, hex);
}

/* Its answers are (index, digest). */
static bool call_ask(Postgres *pg, Call *call, const char *sql, int count, bool fresh, Err *err)
{
    const char *params[ARRAYS];
    PGresult *answer = NULL;
    for (size_t k = 0; k < ARRAYS; k++) {
        if (!buf_text(&call->arrays[k], "}", err))
            return false;
        params[k] = call->arrays[k].data;
    }
    if (!postgres_query_hash(pg, call->bytes, sql, count, params, true, &answer, err))
        return false;
    for (int i = 0; i < PQntuples(answer); i++) {
        uint32_t index = postgres_u32((const unsigned char *)PQgetvalue(answer, i, 0));
        if (index >= call->count || PQgetlength(answer, i, 1) != DIGEST_BYTES)
            continue;
        PostgresDigest *digest = call->chosen[index];
        memcpy(digest->digest.byte, PQgetvalue(answer, i, 1), DIGEST_BYTES);
        digest->is_known = true;
        digest->is_fresh = fresh;
    }
    PQclear(answer);
    return true;
}

static void call_end(Call *call)
{
    for (size_t k = 0; k < ARRAYS; k++)
        buf_free(&call->arrays[k]);
    free(call->chosen);
}

static bool ask_known(Postgres *pg, PostgresDigests *digests, Err *err)
{
    Call call;
    bool ok = call_start(&call, digests->count, err);
    for (size_t i = 0; ok && i < digests->count; i++)
        ok = call_add(&call, &digests->items[i], err);
    call.bytes = 0; /* nothing is hashed */
    ok = ok && call_ask(pg, &call, sql_postgresql_digests_known, 3, false, err);
    call_end(&call);
    return ok;
}

/* *at: the first of them, and behind it the next one. */
static bool hash_some(Postgres *pg, PostgresDigests *digests, size_t *at, Err *err)
{
    Call call;
    bool ok = call_start(&call, CALL_ROWS, err);
    while (ok && *at < digests->count && call.count < CALL_ROWS && call.bytes < CALL_BYTES) {
        PostgresDigest *digest = &digests->items[(*at)++];
        ok = digest->is_known || call_add(&call, digest, err);
    }
    ok = ok && (call.count == 0 || call_ask(pg, &call, sql_postgresql_digests_hash, 2, true, err));
    call_end(&call);
    return ok;
}

bool postgres_digests_fill(Postgres *pg, const PostgresShape *shape, PostgresDigests *digests, Err *err)
{
    bool usable = digests->count > 0 && pg->use_digests && shape->knows_digests && pg->identity[0] != '\0';
    bool ok = !usable || ask_known(pg, digests, err);
    for (size_t at = 0; ok && at < digests->count;)
        ok = hash_some(pg, digests, &at, err);
    return ok;
}

static bool keep(Postgres *pg, const PostgresDigests *digests, Err *err)
{
    Call call;
    StoreOutcome outcome;
    bool ok = call_start(&call, digests->count, err);
    for (size_t i = 0; ok && i < digests->count; i++)
        if (digests->items[i].is_fresh)
            ok = call_add(&call, &digests->items[i], err);
    call.bytes = 0;
    if (ok && call.count > 0)
        ok = postgres_begin(pg, true, err) && postgres_guard_write(pg, "model_digests", err) &&
             call_ask(pg, &call, sql_postgresql_digests_keep, 4, false, err) && postgres_commit(pg, &outcome, err);
    call_end(&call);
    return ok;
}

bool postgres_digests_keep(Postgres *pg, const PostgresDigests *digests, Err *err)
{
    Err why = {0};
    if (keep(pg, digests, &why))
        return true;
    postgres_rollback(&pg->base);
    if (pg->conn != NULL) {
        log_line(LOG_INFO, "digests of rows of other programs cannot be kept: %s", why.text);
        return true;
    }
    if (err != NULL)
        *err = why;
    return false;
}
