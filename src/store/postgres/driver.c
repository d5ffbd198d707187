/* driver.c: the table of what PostgreSQL does for each call of store.h. */
#include "calls.h"
#include "database.h"
#include "into/into.h"
#include "session/connect.h"
#include "session/target.h"
#include "session/transaction.h"
#include "session/url.h"
#include "sql.h"

const StoreDriver store_postgres_driver = {
    .traits = {.dialect = "postgresql",
               .many_writers = true,
               .may_be_standby = true,
               .inline_default = (uint64_t)256 * 1024 * 1024,
               .inline_max = (uint64_t)500 * 1024 * 1024}, /* beyond it pg_dump and text readers fail */
    .sql = {.dollar_quotes = true,
            .escape_strings = true,
            .nested_comments = true,
            .atomic_bodies = true,
            .copy_data = true,
            .command = '\\',
            .shell = "psql"},
    .library = postgres_library,
    .target_new = postgres_target_new,
    .target_free = postgres_target_free,
    .into = into_target,
    .in_environment = postgres_in_environment,
    .has_password = postgres_url_has_password,
    .open = postgres_open,
    .close = postgres_close,
    .alive = postgres_alive,
    .identity = postgres_identity,
    .odd_rows = postgres_odd_rows,
    .pickles = postgres_pickles,
    .catalog = postgres_catalog,
    .find = postgres_find,
    .use_digests = postgres_use_digests,
    .wait_writers = postgres_wait_writers,
    .other_tables = into_tables,
    .list = postgres_list,
    .verify = postgres_verify,
    .fetch_open = postgres_fetch_open,
    .fetch_next = postgres_fetch_next,
    .fetch_close = postgres_fetch_close,
    .begin = postgres_batch_begin,
    .put = postgres_put,
    .put_alone = postgres_put_alone,
    .commit = postgres_batch_commit,
    .rollback = postgres_rollback,
    .life_sql = LIFE_SQL(postgresql),
    .change_ready = postgres_change_ready,
    .run_begin = postgres_run_begin,
    .run_end = postgres_run_end,
    .transaction_begin = postgres_transaction_begin,
    .transaction_commit = postgres_transaction_commit,
    .try_lock = postgres_try_lock,
    .run_script = postgres_run_script,
    .query_text = postgres_query_text,
    .step_begin = postgres_step_begin,
    .step_run = postgres_step_run,
    .step_end = postgres_step_end,
    .has_table = postgres_has_table,
    .inspect = postgres_inspect,
};
