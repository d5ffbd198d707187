/* driver.c: the table of what such a store does for each call of store.h. */
#include "../calls.h"
#include "../database.h"
#include "../session/connect.h"
#include "../session/target.h"
#include "../session/transaction.h"
#include "into.h"

static bool no_run(Store *store, const StoreRun *run, Err *err)
{
    (void)store, (void)run, (void)err; /* the table has no place for it */
    return true;
}

static void close_session(Store *store)
{
    into_fetch_close(store);
    postgres_close(store);
}

const StoreDriver store_postgres_into_driver = {
    .traits = {.dialect = "postgresql",
               .many_writers = true,
               .may_be_standby = true,
               .is_foreign = true,
               .inline_default = INTO_BYTES_MAX,
               .inline_max = INTO_BYTES_MAX},
    .library = postgres_library,
    .target_free = postgres_target_free,
    .open = postgres_open,
    .close = close_session,
    .alive = postgres_alive,
    .identity = into_identity,
    .catalog = into_catalog,
    .find = into_find,
    .wait_writers = postgres_wait_writers,
    .list = into_list,
    .verify = into_verify,
    .fetch_open = into_fetch_open,
    .fetch_next = into_fetch_next,
    .fetch_close = into_fetch_close,
    .begin = into_begin,
    .put = into_put,
    .commit = into_commit,
    .rollback = postgres_rollback,
    .run_begin = no_run,
    .run_end = no_run,
    .transaction_begin = postgres_transaction_begin,
    .transaction_commit = postgres_transaction_commit,
    .query_text = postgres_query_text,
    .inspect = into_inspect,
};
