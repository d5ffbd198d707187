#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/fs.h"
#include "base/log.h"
#include "state/lock.h"
#include "../unit.h"

#define RUN "0198c0de-0000-7000-8000-000000000001"

static Err err;
static const char *remove_before_lock; /* what somebody removes between open and flock, once */

int flock(int fd, int operation)
{
    if (remove_before_lock != NULL)
        unlink(remove_before_lock);
    remove_before_lock = NULL;
    return (int)syscall(SYS_flock, fd, operation);
}

static void setup(void)
{
    log_set_level(LOG_ERROR);
    unit_temp_dir();
}

static const char *lock_path(void)
{
    static char path[300];
    snprintf(path, sizeof path, "%s/lock", unit_temp_dir());
    return path;
}

/* A child that holds the lock until it is killed. */
static pid_t hold_in_child(void)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        RunLock lock;
        if (lock_take(lock_path(), RUN, &lock, NULL) && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(second_run_is_told_who_holds_it)
{
    RunLock lock;
    char host[65] = "", part[160];
    pid_t pid = hold_in_child();
    ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
    snprintf(part, sizeof part, "another run holds the lock: pid %ld on %s since 20", (long)pid, host);
    ck_fails(lock_take(lock_path(), "0198c0de-0000-7000-8000-000000000002", &lock, &err), ERR_LOCKED, part);
    ck_assert_ptr_nonnull(strstr(err.text, "(run " RUN ")"));
    ck_assert_ptr_nonnull(strstr(err.hint, "wait"));
    ck_assert_int_eq(lock.fd, -1);
    kill_child(pid);
    ck_ok(lock_take(lock_path(), RUN, &lock, &err)); /* the kernel has freed it */
    lock_release(&lock);
}
END_TEST

START_TEST(note_is_rewritten_and_emptied)
{
    RunLock lock, other;
    Buf note = {0};
    static const char stale[] = "1 stale x y and a much longer line than ours will be, to be gone afterwards "
                                "............................................\n";
    int fd = open(lock_path(), O_WRONLY | O_CREAT, 0600);
    ck_assert(fd >= 0 && fs_write(fd, stale, sizeof stale - 1));
    close(fd);
    ck_ok(lock_take(lock_path(), RUN, &lock, &err));
    ck_ok(fs_read_file(lock_path(), 1000, &note, &err));
    ck_assert_ptr_nonnull(strstr(note.data, RUN));
    ck_assert_ptr_null(strstr(note.data, "stale"));
    ck_assert_ptr_eq(strchr(note.data, '\n'), note.data + note.len - 1);
    ck_fails(lock_take(lock_path(), RUN, &other, &err), ERR_LOCKED, "another run");
    lock_release(&lock);
    ck_assert_int_eq(lock.fd, -1);
    lock_release(&lock);
    lock_release(NULL);
    struct stat st;
    ck_assert_int_eq(stat(lock_path(), &st), 0);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_ok(lock_take(lock_path(), RUN, &lock, &err));
    lock_release(&lock);
    buf_free(&note);
}
END_TEST

START_TEST(hostile_note_is_harmless)
{
    enum { NOT_NOTES = 11 };
    static const char *const notes[] = {"",
                                        "\n",
                                        "12",
                                        "12 host",
                                        "12 host run since",
                                        "x host run since\n",
                                        "12 host run\n",
                                        "12  run since\n",
                                        " host run since\n",
                                        "12 host run since more\n",
                                        "\x1b[2J\x1b[31m a b c\n",
                                        "99999999999999999999999999 host run since\n",
                                        "12 \x1b[2Jhost \xff\xfe \x07\n",
                                        "12 %s%n%s%n %s %n\n"};
    RunLock lock;
    pid_t pid = hold_in_child();
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        int fd = open(lock_path(), O_WRONLY | O_TRUNC);
        ck_assert(fd >= 0 && fs_write(fd, notes[i], strlen(notes[i])));
        close(fd);
        ck_fails(lock_take(lock_path(), RUN, &lock, &err), ERR_LOCKED, "another run holds the lock");
        for (const char *c = err.text; *c != '\0'; c++)
            ck_assert_msg(*c >= ' ' && *c != 0x7f, "note %zu: byte %02x", i, (unsigned)*c);
        ck_assert_msg((strstr(err.text, "pid") == NULL) == (i < NOT_NOTES), "note %zu: %s", i, err.text);
    }
    char huge[4096];
    memset(huge, '7', sizeof huge);
    int fd = open(lock_path(), O_WRONLY | O_TRUNC);
    ck_assert(fd >= 0 && fs_write(fd, huge, sizeof huge));
    close(fd);
    ck_fails(lock_take(lock_path(), RUN, &lock, &err), ERR_LOCKED, "another run holds the lock");
    ck_assert_uint_lt(strlen(err.text), 100);
    kill_child(pid);
}
END_TEST

START_TEST(planted_symlink_is_refused)
{
    RunLock lock;
    char victim[300];
    snprintf(victim, sizeof victim, "%s/victim", unit_temp_dir());
    ck_assert_int_eq(symlink(victim, lock_path()), 0);
    ck_fails(lock_take(lock_path(), RUN, &lock, &err), ERR_STOP, "lock");
    ck_assert_int_ne(access(victim, F_OK), 0);
}
END_TEST

/* Whoever comes then must lock the file that has the name, not the one that had it. */
START_TEST(removed_lock_file_is_made_anew)
{
    RunLock lock, other;
    ck_ok(lock_take(lock_path(), RUN, &lock, &err));
    ck_assert_int_eq(unlink(lock_path()), 0);
    ck_ok(lock_take(lock_path(), RUN, &other, &err)); /* a new file: nobody can know of the first */
    lock_release(&lock);
    RunLock third;
    ck_fails(lock_take(lock_path(), RUN, &third, &err), ERR_LOCKED, "another run");
    lock_release(&other);
}
END_TEST

/* A lock on a file that has lost its name would lock out nobody: the file of that name is locked. */
START_TEST(lock_file_removed_at_the_last_moment)
{
    RunLock lock, other;
    remove_before_lock = lock_path();
    ck_ok(lock_take(lock_path(), RUN, &lock, &err));
    ck_fails(lock_take(lock_path(), RUN, &other, &err), ERR_LOCKED, "another run");
    lock_release(&lock);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state/lock");
    TCase *tc = tcase_create("lock");
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, second_run_is_told_who_holds_it);
    tcase_add_test(tc, note_is_rewritten_and_emptied);
    tcase_add_test(tc, hostile_note_is_harmless);
    tcase_add_test(tc, planted_symlink_is_refused);
    tcase_add_test(tc, removed_lock_file_is_made_anew);
    tcase_add_test(tc, lock_file_removed_at_the_last_moment);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
