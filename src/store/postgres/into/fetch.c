#include <stdlib.h>
#include <string.h>

#include "../session/transaction.h"
#include "../session/wire.h"
#include "into.h"

#define PIECE_BYTES ((size_t)1024 * 1024)

/* A row of that name that has a payload. *found: there is one, and only one. */
static bool read_named(Postgres *pg, const char *name, Canonical *out, bool *found, Err *err)
{
    IntoRows rows = {0};
    bool ok = into_rows(pg, name, &rows, err);
    *found = ok && rows.count == 1 && !rows.items[0].is_twin;
    ok = ok && (!*found || into_read(pg, &rows.items[0], out, err));
    free(rows.items);
    return ok;
}

bool into_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err)
{
    Postgres *pg = (Postgres *)store;
    bool found = false;
    pg->into = malloc(sizeof *pg->into);
    if (pg->into == NULL)
        return err_no_memory(err);
    canonical_init(pg->into);
    pg->fetch.at = 0;
    bool ok = postgres_begin(pg, false, err) && (version != 1 || read_named(pg, name, pg->into, &found, err));
    if (ok && !found)
        ok = err_set(err, ERR_SKIP, "%s@%d: is not stored", name, (int)version);
    postgres_rollback(store);
    if (!ok) {
        into_fetch_close(store);
        return false;
    }
    *stored_bytes = pg->into->tar.bytes;
    return true;
}

bool into_fetch_next(Store *store, const void **data, size_t *len, Err *err)
{
    Postgres *pg = (Postgres *)store;
    if (pg->piece == NULL && (pg->piece = malloc(PIECE_BYTES)) == NULL)
        return err_no_memory(err);
    ptrdiff_t got = spool_view(&pg->into->tar, pg->fetch.at, PIECE_BYTES, pg->piece, data, err);
    *len = got > 0 ? (size_t)got : 0;
    pg->fetch.at += *len;
    return got >= 0;
}

void into_fetch_close(Store *store)
{
    Postgres *pg = (Postgres *)store;
    if (pg->into != NULL)
        canonical_free(pg->into);
    free(pg->into);
    pg->into = NULL;
}

/* --- proofs: the table records no digest, so the payload is read, now */

static bool fits(const StoreProof *proof, const Canonical *canonical)
{
    return (proof->content == NULL || digest_equal(proof->content, &canonical->content)) &&
           (proof->stored == NULL || digest_equal(proof->stored, &canonical->stored));
}

static bool prove(Postgres *pg, StoreProof *proof, Canonical *canonical, Err *err)
{
    bool found = false;
    Err why = {0};
    bool ok = proof->version != 1 || read_named(pg, proof->name, canonical, &found, &why);
    if (!ok && why.cls != ERR_SKIP) {
        if (err != NULL)
            *err = why;
        return false;
    }
    proof->health = !ok ? STORE_DAMAGED : found && fits(proof, canonical) ? STORE_INTACT : STORE_MISSING;
    return true;
}

static bool ask_doubt(Postgres *pg, StoreDoubt *doubt, Err *err)
{
    static const StoreDoubt doubts[] = {STORE_KEPT, STORE_STANDBY, STORE_FSYNC_OFF, STORE_TORN_PAGES, STORE_UNLOGGED};
    const char *params[] = {into_of(pg)->table};
    PGresult *answer = NULL;
    if (!postgres_query(pg,
                        "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1 "
                        "WHEN pg_catalog.current_setting('fsync') OPERATOR(pg_catalog.=) 'off' THEN 2 "
                        "WHEN pg_catalog.current_setting('full_page_writes') OPERATOR(pg_catalog.=) 'off' THEN 3 "
                        "WHEN relpersistence OPERATOR(pg_catalog.<>) 'p' THEN 4 ELSE 0 END "
                        "FROM pg_catalog.pg_class WHERE oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::oid",
                        1, params, false, &answer, err))
        return false;
    size_t value = PQntuples(answer) == 1 ? strtoul(PQgetvalue(answer, 0, 0), NULL, 10) : 4;
    *doubt = doubts[value < sizeof doubts / sizeof *doubts ? value : 4];
    PQclear(answer);
    return true;
}

bool into_verify(Store *store, StoreProof *proofs, size_t count, Err *err)
{
    Postgres *pg = (Postgres *)store;
    StoreDoubt doubt = STORE_KEPT;
    Canonical canonical;
    canonical_init(&canonical);
    bool ok = postgres_begin(pg, false, err) && ask_doubt(pg, &doubt, err);
    for (size_t i = 0; ok && i < count; i++) {
        proofs[i].doubt = doubt;
        ok = prove(pg, &proofs[i], &canonical, err);
    }
    postgres_rollback(store);
    canonical_free(&canonical);
    return ok;
}
