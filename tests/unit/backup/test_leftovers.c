/* The folder of a run that was killed: its torn end goes, a complete row never. */
#include "../backup_unit.h"

#include <sys/file.h>
#include <sys/wait.h>

START_TEST(whole_rows_are_kept)
{
    finish_leftovers(); /* no folder yet */
    leave_unfinished(2000000);
    ck_assert(is_unfinished());
    finish_leftovers();
    ck_assert(!is_unfinished());
    ck_assert(was_killed());
    ck_assert_uint_eq(verified_rows(), 6);
    ck_assert_uint_eq(versions_left(), 0x7e);
    Buf manifest = get_file(in_folder("MANIFEST"));
    finish_leftovers();
    Buf again = get_file(in_folder("MANIFEST"));
    ck_assert(manifest.len == again.len && memcmp(manifest.data, again.data, again.len) == 0);
    buf_free(&manifest);
    buf_free(&again);
    forget();
    make_folder();
    ck_assert(!was_killed());
}
END_TEST

/* Only what is torn goes, at whatever byte the kill came; also inside the header. */
START_TEST(torn_ends_are_cut_at_every_byte)
{
    Backup *backup = open_backup(BACKUP_FULL);
    BackupPart *part = backup_part(backup, 0, &err);
    store(part, "one", 1, 10);
    struct stat st;
    ck_assert_int_eq(stat(in_folder("part-0.csv"), &st), 0);
    size_t first = (size_t)st.st_size;
    store(part, "two", 2, 20);
    backup_close(backup);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    for (size_t cut = 0; cut < whole.len; cut++) {
        ck_assert(exists(folder) || mkdir(folder, 0700) == 0);
        unlink(in_folder("MANIFEST"));
        put_file(path, whole.data, cut);
        finish_leftovers();
        if (cut < first) {
            ck_assert_msg(!exists(folder), "cut at %zu", cut);
            continue;
        }
        ck_assert_uint_eq(verified_rows(), 1);
        ck_assert(was_killed());
        Buf now = get_file(path);
        ck_assert_uint_eq(now.len, first);
        ck_assert_int_eq(memcmp(now.data, whole.data, first), 0);
        buf_free(&now);
    }
    buf_free(&whole);
}
END_TEST

/* What is not torn but damaged stays: nobody can know what it is worth. */
START_TEST(whole_lines_are_kept_whatever_they_hold)
{
    leave_unfinished(30);
    char path[500];
    snprintf(path, sizeof path, "%s", in_folder("part-0.csv"));
    Buf whole = get_file(path);
    char *payload = strstr(strstr(whole.data, "\"one\""), "\\x");
    payload[5] = 'x';
    put_file(path, whole.data, whole.len);
    finish_leftovers();
    Buf now = get_file(path);
    ck_assert(now.len == whole.len && memcmp(now.data, whole.data, now.len) == 0);
    ck_assert_uint_eq(verified_rows(), 6);
    buf_free(&now);
    buf_free(&whole);
}
END_TEST

/* Pieces of a payload alone bring nothing back; a row whose pieces were not all written may be the last one of many. */
START_TEST(pieces_and_their_row)
{
    leave_unfinished(30);
    ck_assert(unlink(in_folder("part-0.csv")) == 0 && unlink(in_folder("part-1.csv")) == 0);
    Buf part = get_file(in_folder("part-2.csv")), chunks = get_file(in_folder("chunks-2.csv"));
    put_file(in_folder("chunks-2.csv"), chunks.data, chunks.len - 1);
    finish_leftovers();
    ck_assert_uint_eq(verified_rows(), 1);
    Buf cut = get_file(in_folder("chunks-2.csv"));
    ck_assert(cut.len < chunks.len && cut.data[cut.len - 1] == '\n');
    ck_assert(unlink(in_folder("MANIFEST")) == 0);
    put_file(in_folder("part-2.csv"), part.data, part.len - 1);
    finish_leftovers();
    ck_assert(!exists(folder));
    buf_free(&cut);
    buf_free(&part);
    buf_free(&chunks);
}
END_TEST

START_TEST(foreign_folders_are_left_alone)
{
    char path[600];
    make_folder(); /* finished */
    Buf manifest = get_file(in_folder("MANIFEST"));
    static const char *const names[] = {"notes", "0198c0de-0000-7000-8000-00000000000", "0198C0DE-0000-7000-8000-000000000002",
                                        "0198c0de-0000-7000-8000-0000000000020", "0198c0de-0000-7000-8000-000000000003"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        /* The last has a name of ours, but holds something else. */
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        put_file(path, "mine", 4);
    }
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000004", dir);
    put_file(path, "a file", 6);
    snprintf(path, sizeof path, "%s/0198c0de-0000-7000-8000-000000000005", dir);
    ck_assert_int_eq(symlink(folder, path), 0);
    finish_leftovers();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", dir, names[i], i + 1 < sizeof names / sizeof *names ? "part-0.csv" : "holiday.jpg");
        ck_assert_msg(exists(path), "%s", path);
        snprintf(path, sizeof path, "%s/%s/MANIFEST", dir, names[i]);
        ck_assert(!exists(path));
    }
    ck_assert_uint_eq(verified_rows(), 2);
    /* A backup of a later version: its header is not ours. */
    ck_assert_int_eq(unlink(in_folder("MANIFEST")), 0);
    put_file(in_folder("part-0.csv"), "name,version,something_new\n\"x\",1,2\n", 35);
    finish_leftovers();
    Buf kept = get_file(in_folder("part-0.csv"));
    ck_assert_uint_eq(kept.len, 35);
    ck_assert(!exists(in_folder("MANIFEST")));
    buf_free(&kept);
    buf_free(&manifest);
}
END_TEST

/* Killed just after mkdir, or while another version put it right. */
START_TEST(leftovers_of_a_kill_are_removed)
{
    ck_ok(fs_make_private_dir(folder, &err));
    finish_leftovers();
    ck_assert(!exists(folder));
    leave_unfinished(100);
    put_file(in_folder("part-0.csv.tmp"), "half", 4);
    put_file(in_folder("MANIFEST.tmp"), "half", 4);
    put_file(in_folder(".MANIFEST.0123456789abcdef.tmp"), "half", 4);
    put_file(in_folder("notes.txt"), "a user's", 8);
    finish_leftovers();
    ck_assert(!exists(in_folder("part-0.csv.tmp")));
    ck_assert(!exists(in_folder("MANIFEST.tmp")));
    ck_assert(!exists(in_folder(".MANIFEST.0123456789abcdef.tmp")));
    ck_assert(exists(in_folder("notes.txt")));
    ck_assert_uint_eq(verified_rows(), 6);
}
END_TEST

START_TEST(what_cannot_be_read_is_told)
{
    leave_unfinished(100);
    ck_assert_int_eq(unlink(in_folder("part-1.csv")), 0);
    ck_assert_int_eq(mkfifo(in_folder("part-1.csv"), 0600), 0);
    ck_fails(backup_finish_leftovers(dir, &owner_here, &err), ERR_STOP, "part-1.csv: not a regular file");
    ck_assert(!exists(in_folder("MANIFEST")));
}
END_TEST

/* --- whose it is ------------------------------------------------------------------------------------------------------------- */

static void leave_with(const char *note)
{
    forget();
    leave_unfinished(30);
    put_file(in_folder("STORE"), note, strlen(note));
}

START_TEST(folders_of_others_are_left_alone)
{
    static const struct {
        const char *note, *store_id;
        bool finished;
    } cases[] = {
        {"store/public\n", "", true}, /* version 0.1.0 */
        {"store/public\n", "id-1", true},
        {"store/public\nhost host-a\n", "", true},
        {"store/public\nstore id-1\nhost host-a\n", "id-1", true},
        {"store/public\nstore id-1\nhost host-a\n", "", true},
        {"store/public\nsome later word\nstore id-1\nhost host-a\n", "id-1", true},
        {"other/public\nstore id-1\nhost host-a\n", "id-1", true}, /* the same store under another address */
        {"store/public\nstore id-2\nhost host-a\n", "id-1", false}, /* another one under the same */
        {"other/public\n", "", false},
        {"other/public\nhost host-a\n", "id-1", false},
        {"other/public\nstore id-2\nhost host-a\n", "id-1", false},
        {"store/public\nhost host-b\n", "", false},
        {"store/public\nstore id-1\nhost host-b\n", "id-1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_with(cases[i].note);
        BackupOwner owner = {.place = "store/public", .store_id = cases[i].store_id, .host = "host-a"};
        ck_ok(backup_finish_leftovers(dir, &owner, &err));
        ck_assert_msg(is_unfinished() != cases[i].finished, "case %zu", i);
    }
}
END_TEST

/* Somebody who names it has it finished, whatever its store. */
START_TEST(one_folder_by_its_name)
{
    BackupOwner here = {.host = "host-a"}, anybody = {0};
    bool left = false;
    leave_with("other/public\nstore id-2\nhost host-a\n");
    ck_ok(backup_finish_folder(folder, &here, &left, &err));
    ck_assert(left && was_killed());
    leave_with("other/public\nstore id-2\nhost host-b\n");
    ck_fails(backup_finish_folder(folder, &here, &left, &err), ERR_STOP, "another host");
    ck_assert(is_unfinished());
    ck_ok(backup_finish_folder(folder, &anybody, &left, &err));
    ck_assert(left && was_killed());
    ck_fails(backup_finish_folder(dir, &anybody, &left, &err), ERR_STOP, "no MANIFEST");
    forget();
    ck_ok(fs_make_private_dir(folder, &err));
    ck_ok(backup_finish_folder(folder, &anybody, &left, &err));
    ck_assert(!left && !exists(folder));
}
END_TEST

/* --- runs that are at work ---------------------------------------------------------------------------------------------------- */

static Backup *begin_a_run(void)
{
    Backup *backup = open_backup(BACKUP_FULL);
    ck_ok(backup_begin(backup, &owner_here, &err));
    store(backup_part(backup, 0, &err), "one", 1, 100);
    return backup;
}

/* Locks of two descriptors exclude each other in one process too. */
START_TEST(run_at_work_is_left_alone)
{
    bool left;
    Backup *backup = begin_a_run();
    finish_leftovers();
    ck_assert(is_unfinished());
    ck_fails(backup_finish_folder(folder, &owner_here, &left, &err), ERR_STOP, "still at work");
    store(backup_part(backup, 0, &err), "two", 2, 100);
    ck_ok(backup_finish(backup, NULL, &err));
    backup_close(backup);
    ck_assert(!was_killed());
    ck_assert_uint_eq(verified_rows(), 2);
    forget();
    backup = begin_a_run();
    backup_close(backup); /* as the kernel does for a process that is killed */
    finish_leftovers();
    ck_assert(was_killed());
}
END_TEST

/* The lock is one that a network file system shares: on a regular file that is open for writing. */
START_TEST(lock_is_on_a_file_open_for_writing)
{
    Backup *backup = begin_a_run();
    int fd = open(in_folder("STORE"), O_RDWR);
    ck_assert(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK);
    close(fd);
    char proc[64], target[600];
    bool found = false;
    for (int i = 3; i < 64; i++) {
        snprintf(proc, sizeof proc, "/proc/self/fd/%d", i);
        ssize_t len = readlink(proc, target, sizeof target - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        if (strcmp(target, in_folder("STORE")) == 0 && (fcntl(i, F_GETFL) & O_ACCMODE) == O_RDWR)
            found = true;
    }
    ck_assert(found);
    backup_close(backup);
}
END_TEST

/* A run of version 0.1.0 holds a lock on the folder itself. */
START_TEST(run_of_version_0_1_0_at_work)
{
    leave_with("store/public\n");
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    ck_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
    finish_leftovers();
    ck_assert(is_unfinished());
    close(fd);
    finish_leftovers();
    ck_assert(was_killed());
}
END_TEST

/* A lock that is local to a host says nothing of another one, which is named in STORE. */
START_TEST(host_that_shares_no_locks)
{
    Backup *backup = begin_a_run();
    int fd = open(in_folder("STORE"), O_RDWR);
    Buf note = get_file(in_folder("STORE"));
    ck_assert_ptr_nonnull(strstr(note.data, "host host-a\n"));
    put_file(in_folder("STORE"), note.data, note.len); /* another inode: not locked */
    BackupOwner other = owner_here;
    other.host = "host-b";
    ck_ok(backup_finish_leftovers(dir, &other, &err));
    ck_assert(is_unfinished());
    close(fd);
    buf_free(&note);
    backup_close(backup);
}
END_TEST

START_TEST(names_while_it_is_made)
{
    char path[500], file[520];
    static const struct {
        const char *note;
        bool removed;
    } cases[] = {{NULL, true},
                 {"", true},
                 {"store/pub", true},
                 {"store/public\nhost host-a\n", true},
                 {"store/public\nhost host-b\n", false}};
    ck_ok(fs_make_private_dir(dir, &err));
    snprintf(path, sizeof path, "%s/." RUN ".new", dir);
    snprintf(file, sizeof file, "%s/STORE", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_ok(fs_make_private_dir(path, &err));
        if (cases[i].note != NULL)
            put_file(file, cases[i].note, strlen(cases[i].note));
        int fd = open(cases[i].note != NULL ? file : path, cases[i].note != NULL ? O_RDWR : O_RDONLY | O_DIRECTORY);
        ck_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
        finish_leftovers();
        ck_assert_msg(cases[i].note == NULL || exists(file), "case %zu", i);
        close(fd);
        finish_leftovers();
        ck_assert_msg(exists(path) != cases[i].removed, "case %zu", i);
    }
}
END_TEST

int main(void)
{
    use_memory_disk();
    Suite *suite = suite_create("backup/leftovers");
    TCase *tc = tcase_create("backup");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, unit_remove_temp);
    tcase_add_test(tc, whole_rows_are_kept);
    tcase_add_test(tc, torn_ends_are_cut_at_every_byte);
    tcase_add_test(tc, whole_lines_are_kept_whatever_they_hold);
    tcase_add_test(tc, pieces_and_their_row);
    tcase_add_test(tc, foreign_folders_are_left_alone);
    tcase_add_test(tc, leftovers_of_a_kill_are_removed);
    tcase_add_test(tc, what_cannot_be_read_is_told);
    tcase_add_test(tc, folders_of_others_are_left_alone);
    tcase_add_test(tc, one_folder_by_its_name);
    tcase_add_test(tc, run_at_work_is_left_alone);
    tcase_add_test(tc, lock_is_on_a_file_open_for_writing);
    tcase_add_test(tc, run_of_version_0_1_0_at_work);
    tcase_add_test(tc, host_that_shares_no_locks);
    tcase_add_test(tc, names_while_it_is_made);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
