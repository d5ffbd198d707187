/* driver.c: the table of what SQLite does for each call of store.h. */
#include "calls.h"
#include "session/connection.h"
#include "session/target.h"
#include "session/transaction.h"
#include "session/file_url.h"
#include "sql.h"

const StoreDriver store_sqlite_driver = {
    .traits = {.dialect = "sqlite",
               .many_writers = false,
               .may_be_standby = false,
               .inline_default = (uint64_t)256 * 1024 * 1024,
               .inline_max = (uint64_t)500 * 1024 * 1024}, /* as in the other kinds: a value of SQLite holds 1e9 bytes */
    .sql = {.bracket_names = true, .trigger_bodies = true, .command = '.', .shell = "sqlite3"},
    .library = sqlite_library,
    .is_address = sqlite_url_is_ours,
    .target_new = sqlite_target_new,
    .target_free = sqlite_target_free,
    .has_password = sqlite_url_has_password,
    .file = sqlite_target_file,
    .is_missing = sqlite_target_is_missing,
    .open = sqlite_open,
    .close = sqlite_close,
    .alive = sqlite_alive,
    .identity = sqlite_identity,
    .odd_rows = sqlite_odd_rows,
    .pickles = sqlite_pickles,
    .catalog = sqlite_catalog,
    .find = sqlite_find,
    .use_digests = sqlite_use_digests,
    .wait_writers = sqlite_wait_writers,
    .list = sqlite_list,
    .examine = sqlite_examine,
    .verify = sqlite_verify,
    .fetch_open = sqlite_fetch_open,
    .fetch_next = sqlite_fetch_next,
    .fetch_close = sqlite_fetch_close,
    .begin = sqlite_batch_begin,
    .put = sqlite_put,
    .put_alone = sqlite_put_alone,
    .commit = sqlite_batch_commit,
    .rollback = sqlite_batch_rollback,
    .life_sql = LIFE_SQL(sqlite),
    .change_ready = sqlite_change_ready,
    .run_begin = sqlite_run_begin,
    .run_end = sqlite_run_end,
    .transaction_begin = sqlite_transaction_begin,
    .transaction_commit = sqlite_transaction_commit,
    .try_lock = sqlite_try_lock,
    .run_script = sqlite_run_script,
    .query_text = sqlite_query_text,
    .step_begin = sqlite_step_begin,
    .step_run = sqlite_step_run,
    .step_end = sqlite_step_end,
    .has_table = sqlite_has_table,
    .is_blank = sqlite_is_blank,
    .inspect = sqlite_inspect,
};
