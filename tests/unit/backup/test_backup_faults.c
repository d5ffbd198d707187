#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../backup_unit.h"

/* --- a disk that fails: these stand in front of libc's ----------------------------------------------------------------------- */

static int syncs_until_failure; /* 0 = never; the n-th from now fails with EIO */

static bool sync_fails(void)
{
    return syncs_until_failure > 0 && --syncs_until_failure == 0;
}

int fdatasync(int fd)
{
    if (!sync_fails())
        return (int)syscall(SYS_fdatasync, fd);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    if (!sync_fails())
        return (int)syscall(SYS_fsync, fd);
    errno = EIO;
    return -1;
}

/* --- SIGKILL ----------------------------------------------------------------------------------------------------------------- */

static bool may_not_trace; /* some containers forbid ptrace */

/* leftovers in a child that is killed at its n-th system call; false when it ended before that. */
static bool finish_and_kill(int at_call)
{
    int status, calls = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        _exit(backup_finish_leftovers(dir, &owner_here, NULL) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    while (WIFSTOPPED(status) && calls++ < at_call) {
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    }
    if (WIFSTOPPED(status)) {
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return true;
    }
    may_not_trace = WIFEXITED(status) && WEXITSTATUS(status) == 77;
    ck_assert_msg(may_not_trace || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "status %d", status);
    return false;
}

static void tear(const char *name)
{
    int fd = open(in_folder(name), O_WRONLY | O_APPEND);
    ck_assert(fd >= 0 && fs_write(fd, "\"torn\",7,\"m\"", 12));
    close(fd);
}

/* Cuts two files and removes one, or all. */
START_TEST(finishing_can_be_killed_at_any_system_call)
{
    for (int all = 0; all < 2; all++) {
        Buf expected = {0};
        int kills = 0;
        for (bool killed = true, first = true; killed; first = false) {
            leave_unfinished(0);
            tear("part-0.csv");
            tear("part-1.csv");
            put_file(in_folder("part-4.csv"), "name,vers", 9);
            if (all)
                ck_assert(unlink(in_folder("part-0.csv")) == 0 && unlink(in_folder("part-1.csv")) == 0);
            if (!first)
                killed = finish_and_kill(++kills);
            finish_leftovers();
            ck_assert(!is_unfinished());
            ck_assert_int_eq(exists(folder), !all);
            if (!all) {
                ck_assert_uint_eq(verified_rows(), 5);
                Buf now = get_file(in_folder("MANIFEST"));
                ck_assert(first || (now.len == expected.len && memcmp(now.data, expected.data, now.len) == 0));
                buf_free(&expected);
                expected = now;
            }
            forget();
        }
        ck_assert(kills > 20 || may_not_trace);
        buf_free(&expected);
    }
}
END_TEST

/* --- a disk that is broken or full ------------------------------------------------------------------------------------------- */

START_TEST(failed_fsync_is_final)
{
    /* The n-th fsync of a run with two batches fails, for every n. */
    for (int n = 1;; n++) {
        Backup *backup = open_backup(BACKUP_FULL);
        BackupPart *part = backup_part(backup, 0, &err);
        unsigned stored = 0;
        syncs_until_failure = n;
        for (int32_t version = 1; version <= 2; version++) {
            if (!add(part, "m", version, 1000) || !backup_part_sync(part, &err))
                break;
            backup_part_keep(part);
            stored |= 1U << version;
        }
        bool part_failed = stored != 6;
        if (part_failed) {
            /* Now the disk works again; the part must not. */
            ck_assert_int_eq(syncs_until_failure, 0);
            ck_fails(backup_part_sync(part, &err), ERR_STOP, "Input/output error");
            ck_fails(add(part, "m", 3, 10), ERR_STOP, "Input/output error");
            ck_fails(backup_part_undo(part, &err), ERR_STOP, "Input/output error");
            backup_part_keep(part);
            ck_fails(add(part, "m", 3, 10), ERR_STOP, "Input/output error");
        }
        bool finished = backup_finish(backup, NULL, &err);
        bool happened = syncs_until_failure == 0;
        syncs_until_failure = 0;
        ck_assert_int_eq(finished, !happened);
        backup_close(backup);
        /* When the MANIFEST's own folder could not be synced, it may be there: then it is right. */
        finish_leftovers();
        ck_assert_uint_eq(stored & ~(exists(folder) ? versions_left() : 0), 0);
        if (exists(folder))
            verified_rows();
        forget();
        if (!happened) {
            ck_assert_int_gt(n, 7); /* file, folders, file, finish, MANIFEST, folder */
            break;
        }
    }
}
END_TEST

/* It stops at a failed fsync, and the next one ends what it began. */
START_TEST(failed_fsync_of_leftovers)
{
    int n = 1;
    for (bool failed = true; failed; n++) {
        leave_unfinished(0);
        tear("part-0.csv"); /* part-1 is whole, but may never have been synced */
        syncs_until_failure = n;
        failed = !backup_finish_leftovers(dir, &owner_here, &err);
        ck_assert_int_eq(failed, syncs_until_failure == 0);
        syncs_until_failure = 0;
        finish_leftovers();
        ck_assert_uint_eq(verified_rows(), 5);
        forget();
    }
    /* part-0, part-1, the folder, MANIFEST, the folder again; then none was left to fail. */
    ck_assert_int_eq(n, 7);
}
END_TEST

START_TEST(folders_are_synced_when_they_are_new)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    ck_ok(add(part, "m", 1, 10));
    syncs_until_failure = 1000;
    ck_ok(backup_part_sync(part, &err));
    /* The file; its folder, backups, state, and the directory that was there. */
    ck_assert_int_eq(1000 - syncs_until_failure, 5);
    backup_part_keep(part);
    syncs_until_failure = 1000;
    store(part, "m", 2, 10);
    ck_assert_int_eq(1000 - syncs_until_failure, 1);
    syncs_until_failure = 0;
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
}
END_TEST

static void limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* With room for `bytes` more, a large row fails and a small one still goes. */
static void fill_the_disk(void)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 1000);
    Sample *sample = sample_new("too large", 2, 5000000, SIZE_MAX);
    bool ok = backup_part_add(part, &sample->row, &sample->payload, &err) && backup_part_sync(part, &err);
    ck_assert(!ok);
    ck_assert_int_eq(err.cls, ERR_STOP);
    ck_assert(err.errnum == ENOSPC || err.errnum == EFBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "part-0.csv"));
    ck_fails(backup_part_sync(part, &err), ERR_STOP, "part-0.csv");
    ck_fails(backup_part_add(part, &sample->row, &sample->payload, &err), ERR_STOP, "part-0.csv");
    ck_ok(backup_part_undo(part, &err));
    store(part, "two", 2, 1000);
    ck_assert(!backup_part_add(part, &sample->row, &sample->payload, &err) || !backup_part_sync(part, &err));
    sample_free(sample);
    uint64_t rows = 0;
    ck_ok(backup_finish(backup, &rows, &err));
    ck_assert_uint_eq(rows, 2);
    backup_close(backup);
    ck_assert_uint_eq(verified_rows(), 2);
}

START_TEST(file_size_limit)
{
    limit_file_size(2500000);
    Sample *warm_up = sample_new("x", 1, 1, SIZE_MAX);
    sample_free(warm_up);
    fill_the_disk();
    limit_file_size(RLIM_INFINITY);
    ck_assert_uint_eq(versions_left(), 6);
}
END_TEST

START_TEST(full_disk)
{
    char path[300];
    snprintf(path, sizeof path, "%s/small", unit_temp_dir());
    ck_assert_int_eq(mkdir(path, 0700), 0);
    /* Mounts of this process only; not everyone may. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path, "tmpfs", 0, "size=3m") != 0)
        return;
    set_dir(path);
    fill_the_disk();
    forget();
    /* Without room for the MANIFEST a folder is not finished, and it is when there is room. */
    leave_unfinished(0);
    char filler[400];
    snprintf(filler, sizeof filler, "%s/filler", path);
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    static const char zeros[4096];
    while (write(fd, zeros, sizeof zeros) > 0)
        continue;
    close(fd);
    ck_fails(backup_finish_leftovers(dir, &owner_here, &err), ERR_STOP, "MANIFEST");
    ck_assert_int_eq(err.errnum, ENOSPC);
    ck_assert(is_unfinished());
    ck_assert_int_eq(unlink(filler), 0);
    finish_leftovers();
    ck_assert_uint_eq(verified_rows(), 5);
    ck_assert_int_eq(umount(path), 0);
}
END_TEST

int main(void)
{
    use_memory_disk();
    Suite *suite = suite_create("backup/backup_faults");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 180);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, finishing_can_be_killed_at_any_system_call);
    tcase_add_test(tc, failed_fsync_is_final);
    tcase_add_test(tc, failed_fsync_of_leftovers);
    tcase_add_test(tc, folders_are_synced_when_they_are_new);
    tcase_add_test(tc, file_size_limit);
    tcase_add_test(tc, full_disk);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
