#define _GNU_SOURCE
#include "state/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fs.h"
#include "base/log.h"
#include "../unit.h"

#define HEADER "migrate_models_to_db removed 1\n"

static Err err;
static bool fsync_fails;

int fdatasync(int fd)
{
    if (!fsync_fails)
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

static const char *trail_path(void)
{
    return unit_path("removed");
}

static JournalRecord record_of(JournalEvent event, const char *path)
{
    return (JournalRecord){.event = event, .path = path, .name = "name", .version = 1, .read_ns = 7};
}

static Trail *open_trail(void)
{
    Trail *trail = NULL;
    ck_ok(trail_open(trail_path(), &trail, &err));
    return trail;
}

static void append(Trail *trail, JournalEvent event, const char *path)
{
    JournalRecord record = record_of(event, path);
    ck_ok(trail_append(trail, &record, &err));
}

static bool add_to(void *ctx, const JournalRecord *record, Err *e)
{
    (void)e;
    return buf_format(ctx, &err, "%c%s ", record->event == JOURNAL_REMOVED ? 'x' : 'r', record->path);
}

static void has(const char *expected)
{
    Buf all = {0};
    ck_ok(buf_text(&all, "", &err));
    ck_ok(trail_read(trail_path(), add_to, &all, &err));
    ck_assert_str_eq(all.data, expected);
    buf_free(&all);
}

static void put_file(const void *data, size_t len)
{
    int fd = open(trail_path(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert(fd >= 0 && fs_write(fd, data, len));
    close(fd);
}

START_TEST(it_only_grows)
{
    struct stat st;
    has("");
    ck_assert_int_ne(access(trail_path(), F_OK), 0);
    Trail *trail = open_trail();
    append(trail, JOURNAL_REMOVING, "/m/a b");
    append(trail, JOURNAL_REMOVED, "/m/a b");
    trail_close(trail);
    trail = open_trail();
    append(trail, JOURNAL_REMOVING, "/m/c");
    trail_close(trail);
    has("r/m/a b x/m/a b r/m/c ");
    ck_assert_int_eq(stat(trail_path(), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    unit_remove_temp();
}
END_TEST

START_TEST(cut_at_every_byte)
{
    Trail *trail = open_trail();
    append(trail, JOURNAL_REMOVING, "/m/a");
    append(trail, JOURNAL_REMOVED, "/m/a");
    trail_close(trail);
    Buf whole = {0};
    ck_ok(fs_read_file(trail_path(), 1 << 20, &whole, &err));
    size_t first = (size_t)(strchr(whole.data + sizeof HEADER - 1, '\n') - whole.data) + 1;
    for (size_t cut = 0; cut <= whole.len; cut++) {
        put_file(whole.data, cut);
        trail = open_trail();
        append(trail, JOURNAL_REMOVING, "/m/b");
        trail_close(trail);
        has(cut == whole.len ? "r/m/a x/m/a r/m/b " : cut >= first ? "r/m/a r/m/b " : "r/m/b ");
    }
    buf_free(&whole);
    unit_remove_temp();
}
END_TEST

START_TEST(files_of_others_are_refused)
{
    static const char *const others[] = {"migrate_models_to_db removed 2\n", "migrate_models_to_db journal 1\n", "notes\n"};
    Trail *trail = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        put_file(others[i], strlen(others[i]));
        ck_fails(trail_open(trail_path(), &trail, &err), ERR_STOP, "is not a trail");
        has("");
        Buf now = {0};
        ck_ok(fs_read_file(trail_path(), 1 << 20, &now, &err));
        ck_assert_str_eq(now.data, others[i]);
        buf_free(&now);
    }
    ck_assert_int_eq(unlink(trail_path()), 0);
    ck_assert_int_eq(symlink("elsewhere", trail_path()), 0);
    ck_fails(trail_open(trail_path(), &trail, &err), ERR_STOP, "removed");
    unit_remove_temp();
}
END_TEST

/* A full disk costs the record that did not fit; after a failed fsync nobody knows. */
START_TEST(failures)
{
    struct rlimit limit;
    struct stat st;
    JournalRecord record = record_of(JOURNAL_REMOVING, "/m/b");
    Trail *trail = open_trail();
    append(trail, JOURNAL_REMOVING, "/m/a");
    ck_assert_int_eq(stat(trail_path(), &st), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = {.rlim_cur = (rlim_t)st.st_size + 20, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    bool ok = trail_append(trail, &record, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!ok && err.cls == ERR_STOP && err.errnum == EFBIG);
    has("r/m/a ");
    append(trail, JOURNAL_REMOVED, "/m/a");
    fsync_fails = true;
    ck_fails(trail_append(trail, &record, &err), ERR_STOP, "Input/output error");
    fsync_fails = false;
    ck_fails(trail_append(trail, &record, &err), ERR_STOP, "failed before");
    trail_close(trail);
    trail = open_trail();
    append(trail, JOURNAL_REMOVING, "/m/c");
    trail_close(trail);
    Buf all = {0};
    ck_ok(trail_read(trail_path(), add_to, &all, &err));
    ck_assert_int_eq(strncmp(all.data, "r/m/a x/m/a ", 12), 0);
    ck_assert_ptr_nonnull(strstr(all.data, "r/m/c "));
    buf_free(&all);
    unit_remove_temp();
}
END_TEST

START_TEST(records_of_an_older_journal)
{
    JournalRecord old[] = {record_of(JOURNAL_REMOVING, "/m/a"), record_of(JOURNAL_REMOVED, "/m/a"),
                           record_of(JOURNAL_REMOVING, "/m/a"), record_of(JOURNAL_REMOVING, "/m/b"),
                           record_of(JOURNAL_REMOVED, "/m/b")};
    Trail *trail = open_trail();
    ck_ok(trail_adopt(trail, old, 0, &err));
    has("");
    append(trail, JOURNAL_REMOVED, "/m/a");
    ck_ok(trail_adopt(trail, old, 5, &err));
    has("x/m/a r/m/a r/m/b x/m/b ");
    ck_ok(trail_adopt(trail, old, 5, &err));
    has("x/m/a r/m/a r/m/b x/m/b ");
    trail_close(trail);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    log_set_level(LOG_ERROR);
    Suite *suite = suite_create("state/trail");
    TCase *tests = tcase_create("trail");
    tcase_add_test(tests, it_only_grows);
    tcase_add_test(tests, cut_at_every_byte);
    tcase_add_test(tests, files_of_others_are_refused);
    tcase_add_test(tests, failures);
    tcase_add_test(tests, records_of_an_older_journal);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
