/* What is of SQLite alone: the file, its schema, what others do to it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"

START_TEST(round_trip)
{
    Spool small, large, empty;
    fill_spool(&small, 3000, 1, 1 << 20);
    fill_spool(&large, 3 * 1024 * 1024 + 17, 2, 4096); /* from a file, in pieces */
    fill_spool(&empty, 0, 3, 4096);
    StoredModel a = row_of("dir/a", 1, &small), b = row_of("b", 2147483647, &large), c = row_of("c", 0, &empty);
    b.is_active = false;
    b.is_tar = true;
    b.is_gzip = false;
    b.source_mtime_ns = -1500; /* before 1970 */
    b.run_id = NULL;
    b.source_host = NULL;
    ck_ok(store_begin(store, &err));
    ck_ok(store_put(store, &a, &small, &err));
    ck_ok(store_put(store, &b, &large, &err));
    ck_ok(store_put(store, &c, &empty, &err));
    ck_assert_str_eq(sql("SELECT count(*) FROM models"), "0"); /* nothing is seen before the commit */
    ck_ok(store_commit(store, NULL, &err));
    ck_assert_str_eq(
        sql("SELECT group_concat(name || '|' || version || '|' || model_type || '|' || event || '|' || is_active || '|' || "
            "raw_bytes || '|' || stored_bytes || '|' || format || '|' || encoding || '|' || chunk_count || '|' || "
            "ifnull(source_host, '') || '|' || source_path || '|' || source_mtime || '|' || ifnull(run_id, '') || '|' || "
            "length(model_binary), char(10)) FROM (SELECT * FROM models ORDER BY id)"),
        "dir/a|1|regression|ev|1|15000|3000|file|gzip|0|host1|models/a.joblib|2023-11-14 22:13:20.123456|" RUN_ID "|3000\n"
        "b|2147483647|regression|ev|0|15728725|3145745|tar|identity|0||models/a.joblib|1969-12-31 23:59:59.999998||3145745\n"
        "c|0|regression|ev|1|0|0|file|gzip|0|host1|models/a.joblib|2023-11-14 22:13:20.123456|" RUN_ID "|0");
    spool_free(&small);
    spool_free(&large);
    spool_free(&empty);
}
END_TEST

START_TEST(file_is_private)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_str_eq(sql("PRAGMA page_size"), "32768");
    ck_assert_str_eq(sql("PRAGMA application_id"), "1296909378");
    ck_assert_str_eq(sql("PRAGMA journal_mode"), "delete");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_sqlite");
    TCase *cases = tcase_create("file");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, round_trip);
    tcase_add_test(cases, file_is_private);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
