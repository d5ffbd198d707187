/* verify.c: what the server says of payloads, all of one call in one transaction and as of one moment. A server that hashes says
 * nothing, so a query is waited for as long as a slow one needs for its bytes, and the chunks of a payload go some at a time. */
#include "calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/text.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

#define CALL_CHUNKS 4 /* 64 MiB */

/* The arrays of verify.sql. */
typedef struct Arrays {
    Buf names, versions, contents, stored;
} Arrays;

static bool add_digest(Buf *out, const Digest *digest, const char *comma, Err *err)
{
    char hex[2 * DIGEST_BYTES + 1] = "NULL";
    if (digest != NULL)
        digest_hex(digest, hex);
    return buf_format(out, err, "%s%s", comma, hex);
}

static bool fill_arrays(Arrays *arrays, const StoreProof *proofs, size_t count, Err *err)
{
    Buf *all[] = {&arrays->names, &arrays->versions, &arrays->contents, &arrays->stored};
    bool ok = true;
    for (size_t k = 0; ok && k < 4; k++)
        ok = buf_text(all[k], "{", err);
    for (size_t i = 0; ok && i < count; i++) {
        const char *comma = i > 0 ? "," : "";
        ok = buf_text(&arrays->names, comma, err) && postgres_text_element(&arrays->names, proofs[i].name, err) &&
             buf_format(&arrays->versions, err, "%s%" PRId32, comma, proofs[i].version) &&
             add_digest(&arrays->contents, proofs[i].content, comma, err) &&
             add_digest(&arrays->stored, proofs[i].stored, comma, err);
    }
    for (size_t k = 0; ok && k < 4; k++)
        ok = buf_text(all[k], "}", err);
    return ok;
}

static void free_arrays(Arrays *arrays)
{
    buf_free(&arrays->names);
    buf_free(&arrays->versions);
    buf_free(&arrays->contents);
    buf_free(&arrays->stored);
}

static bool no_answer(const Postgres *pg, Err *err)
{
    return err_set(err, ERR_BUG, "%s: no answer to a proof", store_target_label(pg->base.target));
}

static bool hash_chunks(Postgres *pg, StoreProof *proof, unsigned long count, Err *err)
{
    for (unsigned long first = 0; first < count && proof->health == STORE_INTACT; first += CALL_CHUNKS) {
        char version[16], from[24], to[24];
        unsigned long last = first + CALL_CHUNKS <= count ? first + CALL_CHUNKS - 1 : count - 1;
        const char *params[] = {proof->name, version, from, to};
        PGresult *answer = NULL;
        snprintf(version, sizeof version, "%" PRId32, proof->version);
        snprintf(from, sizeof from, "%lu", first);
        snprintf(to, sizeof to, "%lu", last);
        if (!postgres_query_hash(pg, CALL_CHUNKS * STORE_CHUNK_BYTES, sql_postgresql_verify_chunks, 4, params, false, &answer, err))
            return false;
        if (PQgetvalue(answer, 0, 0)[0] != 't')
            proof->health = STORE_DAMAGED;
        PQclear(answer);
    }
    return true;
}

/* Fields: the index, health, chunks to be hashed, doubt. */
static bool take_answer(Postgres *pg, const PGresult *answer, int row, StoreProof *proofs, size_t count, Err *err)
{
    static const StoreHealth healths[] = {STORE_INTACT, STORE_DAMAGED, STORE_UNPROVEN, STORE_MISSING};
    static const StoreDoubt doubts[] = {STORE_KEPT,       STORE_STANDBY,  STORE_FSYNC_OFF,
                                        STORE_TORN_PAGES, STORE_UNLOGGED, STORE_UNLOGGED_CHUNKS};
    unsigned long value[4];
    for (int i = 0; i < 4; i++)
        value[i] = strtoul(PQgetvalue(answer, row, i), NULL, 10);
    if (value[0] >= count || value[1] >= sizeof healths / sizeof *healths || value[3] >= sizeof doubts / sizeof *doubts)
        return no_answer(pg, err);
    StoreProof *proof = &proofs[value[0]];
    proof->health = healths[value[1]];
    proof->doubt = doubts[value[3]];
    return hash_chunks(pg, proof, value[2], err);
}

static bool prove(Postgres *pg, const Arrays *arrays, StoreProof *proofs, size_t count, Err *err)
{
    const char *params[] = {arrays->names.data, arrays->versions.data, arrays->contents.data, arrays->stored.data};
    uint64_t bytes = 0;
    PGresult *answer = NULL;
    for (size_t i = 0; i < count; i++)
        bytes += proofs[i].bytes;
    if (!postgres_query_hash(pg, bytes, sql_postgresql_verify, 4, params, false, &answer, err))
        return false;
    bool ok = (size_t)PQntuples(answer) == count || no_answer(pg, err);
    for (int i = 0; ok && i < PQntuples(answer); i++)
        ok = take_answer(pg, answer, i, proofs, count, err);
    PQclear(answer);
    return ok;
}

static bool prove_at_once(Postgres *pg, StoreProof *proofs, size_t count, Err *err)
{
    Arrays arrays = {0};
    bool ok = fill_arrays(&arrays, proofs, count, err) && postgres_begin(pg, false, err) && prove(pg, &arrays, proofs, count, err);
    postgres_rollback(&pg->base);
    free_arrays(&arrays);
    return ok;
}

/* The server cannot read one of the payloads: which one? */
static bool is_unreadable(const Err *err)
{
    return strcmp(err->code, "XX001") == 0;
}

bool postgres_verify(Store *store, StoreProof *proofs, size_t count, Err *err)
{
    Err why = {0};
    if (prove_at_once((Postgres *)store, proofs, count, &why))
        return true;
    if (is_unreadable(&why) && count > 1)
        return postgres_verify(store, proofs, count / 2, err) && postgres_verify(store, proofs + count / 2, count - count / 2, err);
    if (is_unreadable(&why)) {
        proofs[0].health = STORE_DAMAGED;
        return true;
    }
    if (err != NULL)
        *err = why;
    return false;
}
