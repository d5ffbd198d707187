/* Round trips: what pack_model made comes back as it was. */
#include <signal.h>

#include "base/interrupt.h"
#include "../unpack_unit.h"

/* A directory with everything that a model's directory may hold. */
static void make_tree(void)
{
    shell("mkdir -p m/images m/empty/inner m/\"$(printf '\\303\\251')\" && printf 'topics' >m/topics.json && : >m/images/none && "
          "head -c 300000 /dev/urandom >m/images/0.png && yes text | head -c 500000 >m/images.txt && "
          "printf '#!/bin/sh\\n' >m/run.sh && chmod 751 m/run.sh && chmod 600 m/topics.json && "
          "printf 'a' >m/\"$(printf 'bad\\377name')\" && printf 'b' >m/\"$(printf 'new\\nline \\\\ \\r \\033[2J')\" && "
          "printf 'c' >m/\"$(printf 'cafe\\314\\201')\" && "
          "long=$(printf 'd%.0s' $(seq 200)) && mkdir -p m/$long/$long && printf 'deep' >m/$long/$long/$long && "
          "printf 'n' >m/$(printf 'n%.0s' $(seq 255)) && "
          "find m -type f -exec touch -d '2023-11-14 22:13:20.987654321 UTC' {} + && touch -d '1969-12-31 23:59:50 UTC' "
          "m/topics.json && "
          "find m -depth -type d -exec touch -d '2020-02-03 04:05:06.7 UTC' {} +");
}

/* Type, size, executable bit and time to the second of all members; the mode apart from that bit is not kept. */
static char *list_tree(const char *name)
{
    static const char list[] =
        "find . -mindepth 1 \\( -type d -printf '%P d %Ts\\n' \\) -o \\( -perm -100 -printf '%P x %s %Ts\\n' \\) -o "
        "-printf '%P %y %s %Ts\\n' | LC_ALL=C sort";
    char script[500];
    snprintf(script, sizeof script, "cd '%s' && %s", name, list);
    return shell_prints(script);
}

START_TEST(directory_comes_back)
{
    Err err = {0};
    make_tree();
    char *before = list_tree("m");
    umask(027);
    for (int level = 0; level <= 6; level += 3) {
        Row row = pack_row("m", MODEL_DIRECTORY, level);
        ck_assert(row.info.is_tar && row.info.is_gzip == (level > 0));
        ck_ok(verify(&row, &err));
        ck_ok(to_path(&row, "out", (UnpackOptions){0}, &err));
        shell("diff -r m out");
        char *after = list_tree("out");
        ck_assert_str_eq(after, before);
        free(after);
        char *odd = shell_prints("find out -type d ! -perm 750 -o -name run.sh ! -perm 750 -o -type f ! -name run.sh ! -perm 640");
        ck_assert_str_eq(odd, "");
        free(odd);
        check_no_leftover();
        shell("rm -r out");
        free_row(&row);
    }
    free(before);
    unit_remove_temp();
}
END_TEST

/* The content hash is what a person gets from the extracted directory with sha256sum. */
START_TEST(directory_hash_is_sha256sums)
{
    Err err = {0};
    char hex[2 * DIGEST_BYTES + 1];
    make_tree();
    Row row = pack_row("m", MODEL_DIRECTORY, 1);
    ck_ok(to_path(&row, "out", (UnpackOptions){0}, &err));
    char *sum = shell_prints("cd out && find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | head "
                             "-c 64");
    digest_hex(&row.info.content, hex);
    ck_assert_str_eq(sum, hex);
    free(sum);
    free_row(&row);
    unit_remove_temp();
}
END_TEST

/* The directory itself carries the time of the source, unless the time of the extraction is wanted. */
START_TEST(times)
{
    Err err = {0};
    struct stat st;
    shell("mkdir m && printf 'x' >m/a && printf 'y' >f && touch -d '2023-11-14 22:13:20.987654321 UTC' m/a f");
    Row rows[] = {pack_row("m", MODEL_DIRECTORY, 1), pack_row("f", MODEL_FILE, 1)};
    for (size_t i = 0; i < 2; i++) {
        rows[i].info.source_mtime_ns = SOURCE_TIME_NS;
        ck_ok(to_path(&rows[i], "out", (UnpackOptions){0}, &err));
        ck_assert_int_eq(stat(below("out"), &st), 0);
        ck_assert_int_eq(st.st_mtim.tv_sec, 1700000000);
        ck_assert_int_eq(st.st_mtim.tv_nsec, i == 0 ? 0 : 123456000);
        ck_ok(to_path(&rows[i], "now", (UnpackOptions){.no_mtime = true}, &err));
        char *old = shell_prints("find now -mmin +10");
        ck_assert_str_eq(old, "");
        free(old);
        shell("rm -r out now");
        free_row(&rows[i]);
    }
    Row row = pack_row("f", MODEL_FILE, 1);
    row.info.source_mtime_ns = -1500000000; /* 1969-12-31 23:59:58.5 */
    ck_ok(to_path(&row, "out", (UnpackOptions){0}, &err));
    ck_assert_int_eq(stat(below("out"), &st), 0);
    ck_assert_int_eq(st.st_mtim.tv_sec, -2);
    ck_assert_int_eq(st.st_mtim.tv_nsec, 500000000);
    free_row(&row);
    unit_remove_temp();
}
END_TEST

START_TEST(file_comes_back)
{
    static const char *const makers[] = {"yes model | head -c 3000000 >f", "head -c 300000 /dev/urandom >f", "printf x >f",
                                         "yes model | head -c 300000 | gzip >f"};
    Err err = {0};
    struct stat st;
    umask(022);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        shell(makers[i]);
        for (int level = 0; level < 2; level++) {
            Row row = pack_row("f", MODEL_FILE, level);
            ck_assert_int_eq(row.info.is_gzip, i == 0 && level > 0);
            ck_ok(verify(&row, &err));
            ck_ok(to_path(&row, "out/", (UnpackOptions){0}, &err));
            shell("cmp f out && test ! f -nt out && test ! f -ot out");
            ck_assert_int_eq(stat(below("out"), &st), 0);
            ck_assert_uint_eq(st.st_mode & 07777, 0644);
            check_no_leftover();
            shell("rm out");
            free_row(&row);
        }
    }
    unit_remove_temp();
}
END_TEST

/* A row of another program: nothing is known of it, so it comes as it is. */
START_TEST(without_digests)
{
    Err err = {0};
    Row row = {.info = {.name = "by hand", .version = 3, .source_mtime_ns = 0}};
    ck_ok(buf_text(&row.payload, "any \x1f\x8b bytes", &err));
    ck_ok(to_path(&row, "out", (UnpackOptions){0}, &err));
    shell("test \"$(cat out)\" = \"$(printf 'any \\037\\213 bytes')\"");
    ck_fails(verify(&row, &err), ERR_SKIP, "by hand@3: the row records no digest");
    Pieces pieces = pieces_of(&row.payload, 5);
    int fd = open(below("fd"), O_WRONLY | O_CREAT, 0600);
    ck_ok(unpack_to_fd(&row.info, next_piece, &pieces, fd, &err));
    close(fd);
    shell("cmp out fd");
    free_row(&row);
    unit_remove_temp();
}
END_TEST

/* To a descriptor: the content of a file, the tar of a directory; what is wrong is said at the end. */
START_TEST(to_a_descriptor)
{
    Err err = {0};
    make_tree();
    shell("yes model | head -c 300000 >f");
    Row rows[] = {pack_row("f", MODEL_FILE, 1), pack_row("f", MODEL_FILE, 0), pack_row("m", MODEL_DIRECTORY, 1),
                  pack_row("m", MODEL_DIRECTORY, 0)};
    for (size_t i = 0; i < 4; i++) {
        Pieces pieces = pieces_of(&rows[i].payload, 1000);
        int fd = open(below("fd"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_ok(unpack_to_fd(&rows[i].info, next_piece, &pieces, fd, &err));
        close(fd);
        shell(i < 2 ? "cmp f fd" : "rm -rf t && mkdir t && tar -xf fd -C t 2>tar.log && diff -r m t");
        rows[i].info.content.byte[0] ^= 1;
        pieces = pieces_of(&rows[i].payload, 1000);
        fd = open("/dev/null", O_WRONLY);
        ck_fails(unpack_to_fd(&rows[i].info, next_piece, &pieces, fd, &err), ERR_SKIP, "SHA-256 of the content");
        close(fd);
        pieces = pieces_of(&rows[i].payload, 1000);
        fd = open("/dev/full", O_WRONLY);
        ck_fails(unpack_to_fd(&rows[i].info, next_piece, &pieces, fd, &err), ERR_STOP, "No space left");
        close(fd);
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* Any bit of the payload flipped, a byte too few or too many: never taken. */
START_TEST(damage_is_found)
{
    Err err = {0};
    shell("mkdir -p m/d && printf 'some text' >m/d/a && printf 'x' >m/b && printf 'model model model model model model model "
          "model' >f");
    Row rows[] = {pack_row("f", MODEL_FILE, 1), pack_row("f", MODEL_FILE, 0), pack_row("m", MODEL_DIRECTORY, 1)};
    for (size_t i = 0; i < 3; i++) {
        Row *row = &rows[i];
        for (size_t bit = 0; bit < 8 * row->payload.len; bit++) {
            row->payload.data[bit / 8] = (char)(row->payload.data[bit / 8] ^ (1 << bit % 8));
            ck_fails(verify(row, &err), ERR_SKIP, "@1: ");
            row->payload.data[bit / 8] = (char)(row->payload.data[bit / 8] ^ (1 << bit % 8));
        }
        ck_ok(verify(row, &err));
        row->payload.len--;
        ck_fails(verify(row, &err), ERR_SKIP, "");
        row->payload.len++;
        ck_ok(buf_append(&row->payload, "", 1, &err));
        ck_fails(verify(row, &err), ERR_SKIP, "the payload has more than");
        row->payload.len--;
        free_row(row);
    }
    unit_remove_temp();
}
END_TEST

/* Everything that the row says is held against the bytes. */
START_TEST(row_must_match)
{
    Err err = {0};
    shell("mkdir m && printf 'some text' >m/a && yes model | head -c 9000 >f && head -c 100 /dev/urandom >r");
    Row rows[] = {pack_row("f", MODEL_FILE, 1), pack_row("r", MODEL_FILE, 1), pack_row("m", MODEL_DIRECTORY, 1)};
    for (size_t i = 0; i < 3; i++) {
        Row row = rows[i];
        row.info.stored.byte[31] ^= 1;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "the SHA-256 of the payload is ");
        row = rows[i];
        row.info.content.byte[0] ^= 128;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "the SHA-256 of the content is ");
        row = rows[i];
        row.info.raw_bytes++;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "bytes, the row says ");
        row.info.raw_bytes -= 2;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "bytes");
        row = rows[i];
        row.info.stored_bytes++;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "the payload has ");
        row = rows[i];
        row.info.is_tar = !row.info.is_tar;
        ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_SKIP, "");
        check_no_leftover();
        shell("test ! -e out");
        free_row(&rows[i]);
    }
    unit_remove_temp();
}
END_TEST

/* A gzip member without its trailer gives all the content, and a row may even be made to fit; it is still not whole. */
START_TEST(member_without_trailer)
{
    Err err = {0};
    shell("yes model | head -c 9000 >f");
    Row row = pack_row("f", MODEL_FILE, 1);
    row.payload.len -= 8;
    row.info.stored_bytes -= 8;
    ck_ok(sha256_once(row.payload.data, row.payload.len, &row.info.stored, &err));
    ck_fails(verify(&row, &err), ERR_SKIP, "f@1: the gzip data ends too early");
    free_row(&row);
    unit_remove_temp();
}
END_TEST

START_TEST(interrupted)
{
    Err err = {0};
    shell("printf 'model' >f");
    Row row = pack_row("f", MODEL_FILE, 1);
    interrupt_set(SIGINT);
    ck_fails(to_path(&row, "out", (UnpackOptions){0}, &err), ERR_INTERRUPTED, "");
    ck_fails(verify(&row, &err), ERR_INTERRUPTED, "");
    shell("test ! -e out");
    check_no_leftover();
    free_row(&row);
    unit_remove_temp();
}
END_TEST

/* A payload without end is not read to its end: the disk would be full first. */
START_TEST(payload_is_stopped_where_the_row_ends)
{
    Err err = {0};
    shell("head -c 100000 /dev/urandom >f");
    Row row = pack_row("f", MODEL_FILE, 0);
    row.info.stored_bytes = row.info.raw_bytes = 5000;
    Pieces pieces = pieces_of(&row.payload, 1000);
    ck_fails(unpack_to_path(&row.info, next_piece, &pieces, below("out"), &(UnpackOptions){0}, &err), ERR_SKIP,
             "more than the 5000 bytes");
    ck_assert_uint_eq(pieces.calls, 6);
    check_no_leftover();
    free_row(&row);
    unit_remove_temp();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/unpack");
    TCase *tests = tcase_create("unpack");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, directory_comes_back);
    tcase_add_test(tests, directory_hash_is_sha256sums);
    tcase_add_test(tests, times);
    tcase_add_test(tests, file_comes_back);
    tcase_add_test(tests, without_digests);
    tcase_add_test(tests, to_a_descriptor);
    tcase_add_test(tests, damage_is_found);
    tcase_add_test(tests, row_must_match);
    tcase_add_test(tests, member_without_trailer);
    tcase_add_test(tests, interrupted);
    tcase_add_test(tests, payload_is_stopped_where_the_row_ends);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
