#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../session/wire.h"
#include "into.h"

#define PIECE_BYTES UINT64_C(4194304)

bool into_digits(const char *name, char digits[INTO_DIGITS + 1])
{
    size_t prefix = strlen(INTO_PREFIX);
    if (strncmp(name, INTO_PREFIX, prefix) != 0 || strlen(name) != prefix + INTO_DIGITS ||
        strspn(name + prefix, "0123456789abcdef") != INTO_DIGITS)
        return false;
    memcpy(digits, name + prefix, INTO_DIGITS + 1);
    return true;
}

void into_range(const char *digits, char low[INTO_ID_SIZE], char high[INTO_ID_SIZE])
{
    snprintf(low, INTO_ID_SIZE, "%.8s-0000-0000-0000-000000000000", digits);
    snprintf(high, INTO_ID_SIZE, "%.8s-ffff-ffff-ffff-ffffffffffff", digits);
}

static bool add_row(const PGresult *answer, int i, IntoRows *out, Err *err)
{
    IntoRow *row = vec_push(out, err);
    if (row == NULL)
        return false;
    *row = (IntoRow){.bytes = strtoull(PQgetvalue(answer, i, 1), NULL, 10)};
    snprintf(row->id, sizeof row->id, "%s", PQgetvalue(answer, i, 0));
    snprintf(row->name, sizeof row->name, INTO_PREFIX "%.8s", row->id);
    row->is_twin = PQgetvalue(answer, i, 2)[0] == 't';
    return true;
}

/* Rows without a payload are asked for too: they may be twins of one that has. The window looks one row back and one ahead. */
bool into_rows(Postgres *pg, const char *name, IntoRows *out, Err *err)
{
    const PostgresInto *into = into_of(pg);
    char digits[INTO_DIGITS + 1] = "00000000", low[INTO_ID_SIZE], high[INTO_ID_SIZE];
    const char *params[] = {low, high};
    PGresult *answer = NULL;
    Buf sql = {0};
    if (name != NULL && !into_digits(name, digits))
        return true;
    into_range(digits, low, high);
    if (name == NULL)
        into_range("ffffffff", high, high);
    bool ok = buf_format(&sql, err,
                         "SELECT id, bytes, is_twin FROM (SELECT %s::text AS id, pg_catalog.octet_length(%s) AS bytes, "
                         "pg_catalog.count(*) OVER (PARTITION BY pg_catalog.left(%s::text, 8)) OPERATOR(pg_catalog.>) 1 AS is_twin "
                         "FROM %s WHERE %s OPERATOR(pg_catalog.>=) $1::uuid AND %s OPERATOR(pg_catalog.<=) $2::uuid) AS every "
                         "WHERE bytes OPERATOR(pg_catalog.>) 0 ORDER BY id COLLATE \"C\"",
                         into->id, into->data, into->id, into->table, into->id, into->id) &&
              postgres_query(pg, sql.data, 2, params, false, &answer, err);
    for (int i = 0; ok && i < PQntuples(answer); i++)
        ok = add_row(answer, i, out, err);
    PQclear(answer);
    buf_free(&sql);
    return ok;
}

/* A payload on its way from the server. */
typedef struct Pieces {
    Postgres *pg;
    const IntoRow *row;
    Buf sql;
    uint64_t at;
    PGresult *piece;
} Pieces;

static bool next_piece(void *ctx, const void **data, size_t *len, Err *err)
{
    Pieces *pieces = ctx;
    char from[24], bytes[24];
    const char *params[] = {pieces->row->id, from, bytes};
    *data = "";
    *len = 0;
    if (pieces->at >= pieces->row->bytes)
        return true;
    snprintf(from, sizeof from, "%" PRIu64, pieces->at + 1);
    snprintf(bytes, sizeof bytes, "%" PRIu64, PIECE_BYTES);
    PQclear(pieces->piece);
    pieces->piece = NULL;
    if (!postgres_query(pieces->pg, pieces->sql.data, 3, params, true, &pieces->piece, err))
        return false;
    if (PQntuples(pieces->piece) != 1 || PQgetlength(pieces->piece, 0, 0) == 0)
        return err_set(err, ERR_SKIP, "the payload is not of the size that the server says");
    *data = PQgetvalue(pieces->piece, 0, 0);
    *len = (size_t)PQgetlength(pieces->piece, 0, 0);
    pieces->at += *len;
    return true;
}

bool into_read(Postgres *pg, const IntoRow *row, Canonical *out, Err *err)
{
    const PostgresInto *into = into_of(pg);
    Pieces pieces = {.pg = pg, .row = row};
    bool ok = buf_format(&pieces.sql, err,
                         "SELECT pg_catalog.substring(%s, $2::integer, $3::integer) FROM %s "
                         "WHERE %s OPERATOR(pg_catalog.=) $1::uuid",
                         into->data, into->table, into->id) &&
              canonical_read(out, next_piece, &pieces, row->bytes, err);
    PQclear(pieces.piece);
    buf_free(&pieces.sql);
    if (!ok && err != NULL && err->cls == ERR_SKIP)
        err_prefix(err, "the row with the id %s", row->id);
    return ok;
}
