/* The journal on the disk: the test stands in for the C library's fsync and fdatasync. */
#define _GNU_SOURCE
#include "state/journal.h"

#include <errno.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "../unit.h"

static Err err;
static int folders, files, fail; /* fsync and fdatasync so far; which call of either fails, 0 = none */

static bool fails(void)
{
    if (folders + files != fail)
        return false;
    errno = EIO;
    return true;
}

int fsync(int fd)
{
    folders++;
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    files++;
    return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static const char *journal_path(void)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/journal", unit_temp_dir());
    return path;
}

static const char *failed_path(const char *number)
{
    static char path[320];
    snprintf(path, sizeof path, "%s.failed%s", journal_path(), number);
    return path;
}

static bool append_one(Journal *journal)
{
    JournalRecord record = {.path = "/m/x", .name = "x", .version = 1, .read_ns = INT64_MAX / 2};
    return journal_append(journal, &record, 1, &err);
}

/* A new journal is synced, and its name; each record is; one that was there only its new records. */
START_TEST(new_file_and_its_name)
{
    Journal *journal = NULL;
    journal_path();
    folders = files = 0;
    ck_ok(journal_open(journal_path(), &journal, &err));
    ck_assert_int_eq(files, 1);
    ck_assert_int_eq(folders, 1);
    ck_ok(append_one(journal));
    ck_assert_int_eq(files, 2);
    journal_close(journal);
    ck_ok(journal_open(journal_path(), &journal, &err));
    ck_assert_int_eq(folders + files, 3);
    journal_close(journal);
    unit_remove_temp();
}
END_TEST

/* The new file is synced before it takes the name, and the name after. */
START_TEST(rewritten_file_and_its_name)
{
    Journal *journal = NULL;
    ck_ok(journal_open(journal_path(), &journal, &err));
    ck_ok(append_one(journal));
    folders = files = 0;
    ck_ok(journal_rewrite(journal, NULL, 0, &err));
    ck_assert_int_eq(folders, 2);
    for (fail = 1; fail <= 2; fail++) {
        folders = files = 0;
        ck_fails(journal_rewrite(journal, NULL, 0, &err), ERR_STOP, "Input/output error");
    }
    fail = 0;
    ck_fails(append_one(journal), ERR_STOP, "failed before");
    journal_close(journal);
    unit_remove_temp();
}
END_TEST

START_TEST(each_failure_is_told)
{
    for (fail = 1; fail <= 3; fail++) {
        Journal *journal = NULL;
        folders = files = 0;
        if (fail < 3)
            ck_fails(journal_open(journal_path(), &journal, &err), ERR_STOP, "Input/output error");
        else {
            ck_ok(journal_open(journal_path(), &journal, &err));
            ck_fails(append_one(journal), ERR_STOP, "Input/output error");
            ck_fails(append_one(journal), ERR_STOP, "failed before");
            journal_close(journal);
            ck_assert_int_ne(access(journal_path(), F_OK), 0);
            ck_assert_int_eq(access(failed_path(""), F_OK), 0);
        }
        unlink(journal_path());
    }
    fail = 0;
    unit_remove_temp();
}
END_TEST

/* None that failed takes the place of another: what it says may be wanted by somebody. */
START_TEST(failed_journals_are_kept)
{
    static const char *const numbers[] = {"", ".1", ".2"};
    for (int i = 0; i < 3; i++) {
        Journal *journal = NULL;
        ck_ok(journal_open(journal_path(), &journal, &err));
        ck_ok(append_one(journal));
        folders = files = 0;
        fail = 1;
        ck_fails(append_one(journal), ERR_STOP, "Input/output error");
        fail = 0;
        ck_assert_ptr_nonnull(strstr(err.hint, failed_path(numbers[i])));
        journal_close(journal);
        for (int k = 0; k <= i; k++)
            ck_assert_int_eq(access(failed_path(numbers[k]), F_OK), 0);
        ck_assert_int_ne(access(journal_path(), F_OK), 0);
    }
    unit_remove_temp();
}
END_TEST

int main(void)
{
    log_set_level(LOG_ERROR);
    Suite *suite = suite_create("state/journal, durable");
    TCase *tests = tcase_create("durable");
    tcase_add_test(tests, new_file_and_its_name);
    tcase_add_test(tests, rewritten_file_and_its_name);
    tcase_add_test(tests, each_failure_is_told);
    tcase_add_test(tests, failed_journals_are_kept);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
