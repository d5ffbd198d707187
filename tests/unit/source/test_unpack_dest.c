/* The destination: whole or not at all, and never what the user did not ask for. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../unpack_unit.h"

static const char *before_exchange; /* a script: what another process does at the last moment */

int renameat2(int from, const char *a, int to, const char *b, unsigned flags)
{
    if (before_exchange != NULL && (flags & RENAME_EXCHANGE) != 0)
        shell(before_exchange);
    return (int)syscall(SYS_renameat2, from, a, to, b, flags);
}

static Row file_row(void)
{
    shell("yes new | head -c 5000 >f");
    return pack_row("f", MODEL_FILE, 1);
}

static Row tree_row(void)
{
    shell("mkdir -p m/sub && echo new >m/sub/a && yes text | head -c 200000 >m/b");
    return pack_row("m", MODEL_DIRECTORY, 1);
}

/* Without force, what is there stays, whatever it is, and even if it appears while the payload is on its way. */
START_TEST(existing_stays)
{
    static const char *const makers[] = {"echo old >out",     "mkdir out",   "mkdir -p out/old",
                                         "ln -s nowhere out", "ln -s f out", "mkfifo out"};
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
            shell(makers[k]);
            char *before = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n'");
            ck_fails(to_path(&rows[i], "out", (UnpackOptions){0}, &err), ERR_SKIP, "out: exists already");
            bool fifo = strstr(makers[k], "fifo") != NULL;
            ck_assert_ptr_nonnull(strstr(err.hint, fifo ? "destination" : "remove it"));
            ck_assert_int_eq(err.remedy, fifo ? REMEDY_NONE : REMEDY_REPLACE);
            char *after = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n'");
            ck_assert_str_eq(after, before);
            free(before);
            free(after);
            shell("rm -r out");
        }
        Pieces pieces = pieces_of(&rows[i].payload, 1000);
        pieces.make_file = below("out");
        ck_fails(unpack_to_path(&rows[i].info, next_piece, &pieces, below("out"), &(UnpackOptions){0}, &err), ERR_SKIP,
                 "exists already");
        shell("test -f out && test ! -s out && rm out");
        check_no_leftover();
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* With force it is replaced as a whole; what a symlink leads to is, not the link. */
START_TEST(force_replaces)
{
    static const char *const makers[] = {":", "echo old >out", "mkdir out", "mkdir out && chmod 500 out"};
    static const char *const links[] = {"ln -s to out", "echo old >to && ln -s to out", "mkdir to && ln -s via out && ln -s \"$PWD/to\" via"};
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    shell("mkdir keep && echo kept >keep/file");
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
            shell(makers[k]);
            ck_ok(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err));
            shell("test ! -L out && test \"$(cat keep/file)\" = kept");
            shell(i == 0 ? "cmp f out" : "diff -r m out");
            check_no_leftover();
            shell("rm -r out");
        }
        for (size_t k = 0; k < sizeof links / sizeof *links; k++) {
            shell(links[k]);
            ck_ok(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err));
            shell("test -L out && test ! -L to");
            shell(i == 0 ? "cmp f to" : "diff -r m to");
            check_no_leftover();
            shell("rm -rf out to via");
        }
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* Not even force replaces what is neither file nor directory, be it there at first or at the end. */
START_TEST(force_refuses_special_files)
{
    static const char *const makers[] = {"mkfifo out", "ln -s to out && mkfifo to", "ln -s out out", "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('out')\""};
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof makers / sizeof *makers; k++) {
            shell(makers[k]);
            char *before = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n'");
            ck_fails(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err), ERR_SKIP, "out: ");
            char *after = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n'");
            ck_assert_str_eq(after, before);
            free(before);
            free(after);
            shell("rm -rf out to");
        }
        Pieces pieces = pieces_of(&rows[i].payload, 1000);
        pieces.make_fifo = below("out");
        ck_fails(unpack_to_path(&rows[i].info, next_piece, &pieces, below("out"), &(UnpackOptions){.force = true}, &err), ERR_SKIP,
                 "no regular file");
        shell("test -p out && rm out");
        check_no_leftover();
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* A directory goes only when all that is in it is in the model too: path and kind. */
START_TEST(force_keeps_what_is_no_model)
{
    static const struct {
        const char *maker, *held; /* NULL: may go */
    } cases[] = {
        {"mkdir -p out/old/deep && echo x >out/old/deep/file", "holds old,"},
        {"mkdir out && echo x >out/a", "holds a,"},
        {"mkdir out && ln -s ../keep out/b", "holds b,"},
        {"mkdir out && mkfifo out/b", "holds b,"},
        {"mkdir -p out/b", "holds b,"},
        {"mkdir out && echo x >out/sub", "holds sub,"},
        {"mkdir out && ln -s ../keep out/sub", "holds sub,"},
        {"mkdir -p out/sub && echo x >out/sub/b", "holds sub/b,"},
        {"mkdir -p out/sub/a", "holds sub/a,"},
        {"mkdir -p out/sub", NULL},
        {"mkdir -p out/sub && echo x >out/sub/a && chmod 400 out/sub/a && echo x >out/b", NULL},
    };
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    shell("mkdir keep && echo kept >keep/file");
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            shell(cases[k].maker);
            char *before = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n' | grep -v '^\\. '");
            if (i == 1 && cases[k].held == NULL) {
                ck_ok(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err));
                shell("diff -r m out");
            } else {
                ck_fails(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err), ERR_SKIP,
                         i == 1 ? cases[k].held : "holds ");
                ck_assert_ptr_nonnull(strstr(err.text, "; nothing was replaced"));
                char *after = shell_prints("find . -printf '%p %y %i %T@ %C@ %s %l\\n' | grep -v '^\\. '");
                ck_assert_str_eq(after, before);
                free(after);
            }
            free(before);
            check_no_leftover();
            shell("rm -r out");
        }
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* What somebody puts there between the comparison and the swap is not deleted. */
START_TEST(put_into_the_old_one_at_the_last_moment)
{
    Err err = {0};
    Row row = tree_row();
    shell("mkdir -p out/sub");
    before_exchange = "echo precious >out/sub/letter";
    ck_fails(to_path(&row, "out", (UnpackOptions){.force = true}, &err), ERR_STOP, "could not be removed: .out.restore-");
    ck_assert_ptr_nonnull(strstr(err.text, "it holds sub/letter"));
    shell("diff -r m out && grep -q precious .out.restore-*/sub/letter");
    free_row(&row);
    unit_remove_temp();
}
END_TEST

/* A failure with force leaves what was there. */
START_TEST(force_keeps_the_old_on_failure)
{
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    shell("mkdir -p out/old && echo x >out/old/file");
    char *before = shell_prints("find out -printf '%p %y %i %T@ %s\\n'");
    for (size_t i = 0; i < 2; i++) {
        rows[i].info.content.byte[5] ^= 1;
        ck_fails(to_path(&rows[i], "out", (UnpackOptions){.force = true}, &err), ERR_SKIP, "SHA-256");
        char *after = shell_prints("find out -printf '%p %y %i %T@ %s\\n'");
        ck_assert_str_eq(after, before);
        free(after);
        check_no_leftover();
        free_row(&rows[i]);
    }
    free(before);
    unit_remove_temp();
}
END_TEST

START_TEST(names_of_destinations)
{
    static const char *const bad[] = {"", "/", "//", ".", "..", "a/..", "a/.", "./", "../"};
    Err err = {0};
    char name[300];
    Row rows[] = {file_row(), tree_row()};
    for (size_t i = 0; i < 2; i++) {
        Pieces pieces = pieces_of(&rows[i].payload, 1000);
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
            ck_fails(unpack_to_path(&rows[i].info, next_piece, &pieces, bad[k], &(UnpackOptions){.force = true}, &err), ERR_SKIP,
                     "not a name");
        ck_assert_uint_eq(pieces.calls, 0);
        ck_fails(to_path(&rows[i], "missing/out", (UnpackOptions){0}, &err), ERR_SKIP,
                 "its directory cannot be opened: No such file");
        ck_fails(to_path(&rows[i], "f/out", (UnpackOptions){0}, &err), ERR_SKIP, "its directory cannot be opened: Not a directory");
        memset(name, 'n', sizeof name);
        name[256] = '\0';
        ck_fails(to_path(&rows[i], name, (UnpackOptions){0}, &err), ERR_SKIP, "File name too long");
        name[255] = '\0';
        ck_ok(to_path(&rows[i], name, (UnpackOptions){0}, &err));
        ck_ok(to_path(&rows[i], name, (UnpackOptions){.force = true}, &err));
        ck_ok(to_path(&rows[i], "out///", (UnpackOptions){0}, &err));
        shell(i == 0 ? "cmp f out && cmp f n*" : "diff -r m out && diff -r m n*");
        check_no_leftover();
        shell("rm -r out n*");
        ck_assert_int_eq(chdir(unit_temp_dir()), 0);
        pieces = pieces_of(&rows[i].payload, 1000);
        ck_ok(unpack_to_path(&rows[i].info, next_piece, &pieces, "here", &(UnpackOptions){0}, &err));
        shell("test -e here && rm -r here");
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* The source fails at any call: its error comes out as it is, and nothing is left. */
START_TEST(source_fails)
{
    Err err = {0};
    Row rows[] = {file_row(), tree_row()};
    for (size_t i = 0; i < 2; i++) {
        Pieces pieces = {0};
        size_t fail_at = 1;
        for (; fail_at < 10000; fail_at++) {
            err = (Err){0};
            pieces = pieces_of(&rows[i].payload, 16);
            pieces.fail_at = fail_at;
            if (unpack_to_path(&rows[i].info, next_piece, &pieces, below("out"), &(UnpackOptions){0}, &err))
                break;
            ck_assert_int_eq(err.cls, ERR_RETRY);
            ck_assert_str_eq(err.text, "the network is gone");
            ck_assert_uint_eq(pieces.calls, fail_at);
            check_no_leftover();
            shell("test ! -e out");
        }
        ck_assert_uint_eq(fail_at, (rows[i].payload.len + 15) / 16 + 2);
        shell("rm -r out");
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* The disk refuses in the middle of a file. */
START_TEST(disk_refuses)
{
    Err err = {0};
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    Row rows[] = {file_row(), tree_row()};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    for (size_t i = 0; i < 2; i++) {
        err = (Err){0};
        bool ok = to_path(&rows[i], "out", (UnpackOptions){0}, &err);
        bool gone = access(below("out"), F_OK) != 0;
        limit.rlim_cur = RLIM_INFINITY;
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert_msg(!ok && gone && err.cls == ERR_STOP && strstr(err.text, "File too large") != NULL, "%s", err.text);
        check_no_leftover();
        limit.rlim_cur = 4096;
        setrlimit(RLIMIT_FSIZE, &limit);
        free_row(&rows[i]);
    }
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/unpack, destinations");
    TCase *tests = tcase_create("dest");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, existing_stays);
    tcase_add_test(tests, force_replaces);
    tcase_add_test(tests, force_refuses_special_files);
    tcase_add_test(tests, force_keeps_what_is_no_model);
    tcase_add_test(tests, put_into_the_old_one_at_the_last_moment);
    tcase_add_test(tests, force_keeps_the_old_on_failure);
    tcase_add_test(tests, names_of_destinations);
    tcase_add_test(tests, source_fails);
    tcase_add_test(tests, disk_refuses);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
