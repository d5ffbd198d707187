/* fetch.c: one payload in pieces, in a transaction that sees one moment. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include "payload.h"
#include "session/transaction.h"

bool sqlite_fetch_open(Store *store, const char *name, int32_t version, uint64_t *stored_bytes, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    bool found = false;
    free(sq->fetch_name);
    sq->fetch_name = strdup(name);
    if (sq->fetch_name == NULL)
        return err_no_memory(err);
    bool ok = sqlite_begin(sq, false, err) && sqlite_payload_open(sq, sq->fetch_name, version, &sq->fetch, &found, err);
    if (ok && !found)
        ok = err_set(err, ERR_SKIP, "%s@%d: is not stored", name, (int)version);
    if (ok)
        *stored_bytes = sq->fetch.bytes;
    else
        sqlite_fetch_close(store);
    return ok;
}

bool sqlite_fetch_next(Store *store, const void **data, size_t *len, Err *err)
{
    Sqlite *sq = (Sqlite *)store;
    return sqlite_payload_next(sq, &sq->fetch, data, len, err);
}

void sqlite_fetch_close(Store *store)
{
    sqlite_payload_close(&((Sqlite *)store)->fetch);
    sqlite_rollback(store);
}
