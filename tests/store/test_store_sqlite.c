/* What is of SQLite alone: the file, its schema, what others do to it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "file.h"

START_TEST(file_is_private)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0600);
    ck_assert_str_eq(file_sql("PRAGMA page_size"), "32768");
    ck_assert_str_eq(file_sql("PRAGMA application_id"), "1296909378");
    ck_assert_str_eq(file_sql("PRAGMA journal_mode"), "delete");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_sqlite");
    TCase *cases = tcase_create("file");
    tcase_add_checked_fixture(cases, setup_file, teardown_file);
    tcase_add_test(cases, file_is_private);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
