/* A server goes on with a COMMIT whose client has died. While it does, its rows are in no snapshot, and "not there" would mean
 * nothing; but the transaction holds its lock on the table until the rows can be seen. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/interrupt.h"
#include "into/into.h"
#include "session/transaction.h"
#include "session/wire.h"
#include "sql.h"

#define PAUSE_FIRST_SECONDS 0.01
#define PAUSE_MAX_SECONDS 0.5
#define WHO_BYTES 160

/* *writers: those of the array that are still there, malloc'd; NULL at first. who: the oldest of them, for people. */
static bool ask(Postgres *pg, char **writers, char who[WHO_BYTES], Err *err)
{
    PGresult *result = NULL;
    const PostgresInto *into = into_of(pg);
    const char *params[] = {*writers, into != NULL ? into->table : "models"};
    bool ok = postgres_begin(pg, false, err) && postgres_query(pg, sql_postgresql_writers, 2, params, false, &result, err);
    postgres_rollback(&pg->base);
    if (ok) {
        free(*writers);
        *writers = strdup(PQgetvalue(result, 0, 0));
        snprintf(who, WHO_BYTES, "%s", PQgetvalue(result, 0, 1));
        ok = *writers != NULL || err_no_memory(err);
    }
    PQclear(result);
    return ok;
}

bool postgres_wait_writers(Store *store, Err *err)
{
    Postgres *pg = (Postgres *)store;
    double end = clock_seconds() + store->target->tuning.lock_timeout, pause = PAUSE_FIRST_SECONDS;
    char *writers = NULL, who[WHO_BYTES];
    bool ok;
    while ((ok = ask(pg, &writers, who, err)) && strcmp(writers, "{}") != 0) {
        if (clock_seconds() > end) {
            ok = err_set(err, ERR_RETRY, "%s: a transaction of an earlier session is still open (%s)",
                         store_target_label(store->target), who);
            break;
        }
        if (!(ok = interrupt_check(err)))
            break;
        clock_sleep(pause);
        pause = 2 * pause < PAUSE_MAX_SECONDS ? 2 * pause : PAUSE_MAX_SECONDS;
    }
    free(writers);
    return ok;
}
