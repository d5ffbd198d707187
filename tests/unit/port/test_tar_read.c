#include <locale.h>

#include "../archive_unit.h"
#include "port/gzip.h"
#include "port/tar.h"

/* What a reading showed, as text: one line for each member, `=` and the bytes behind it. */
typedef struct Seen {
    Buf text, raw;
    int calls, fail_at; /* the visitor's call that fails, from 1; 0 = none */
} Seen;

static bool count_call(Seen *seen, Err *err)
{
    return ++seen->calls != seen->fail_at || err_set(err, ERR_STOP, "the visitor has enough");
}

static bool see_member(void *ctx, const TarMember *member, Err *err)
{
    Seen *seen = ctx;
    return count_call(seen, err) &&
           buf_format(&seen->text, err, "%s%s%s %llu @%lld\n", member->path, member->is_directory ? "/" : "",
                      member->executable ? "*" : "", (unsigned long long)member->bytes, (long long)member->mtime);
}

static bool see_data(void *ctx, const void *data, size_t len, Err *err)
{
    Seen *seen = ctx;
    return count_call(seen, err) && (data == NULL ? buf_text(&seen->text, ";\n", err) : buf_append(&seen->text, data, len, err));
}

static bool see_archive(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(&((Seen *)ctx)->raw, data, len, err);
}

static bool read_pieces(Pieces pieces, uint64_t max_bytes, Seen *seen, Err *err)
{
    TarVisitor visitor = {.member = see_member, .data = see_data, .archive = see_archive, .ctx = seen};
    buf_clear(&seen->text);
    buf_clear(&seen->raw);
    seen->calls = 0;
    return tar_read(next_piece, &pieces, max_bytes, &visitor, err);
}

static void free_seen(Seen *seen)
{
    buf_free(&seen->text);
    buf_free(&seen->raw);
}

static void add_file(TarWriter *tar, const char *path, const char *text, bool executable)
{
    Err err = {0};
    ck_ok(tar_add_file(tar, path, strlen(text), 1700000000, executable, &err));
    ck_ok(tar_data(tar, text, strlen(text), &err));
}

#define SAMPLE_BYTES 15 /* of all files in it */

/* Every kind of member that the writer makes; *expected is what a reader must see. */
static void write_sample(Buf *out, Buf *expected)
{
    Err err = {0};
    char deep[400];
    memset(deep, 'd', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    deep[200] = '/';
    TarWriter *tar = tar_writer_new(archive_to_buf, out, &err);
    ck_assert_ptr_nonnull(tar);
    add_file(tar, "bad\xff\xfe", "666666", false);
    add_file(tar, "cafe\xcc\x81.json", "4444", false); /* decomposed: must come back so */
    add_file(tar, deep, "22", false);
    add_file(tar, "empty", "", false);
    ck_ok(tar_add_directory(tar, "images", -7, &err));
    add_file(tar, "images/run", "x", true);
    add_file(tar, "new\nline\033[2J", "55", false);
    ck_ok(tar_end(tar, &err));
    tar_writer_free(tar);
    ck_ok(buf_format(expected, &err,
                     "bad\xff\xfe 6 @1700000000\n666666;\ncafe\xcc\x81.json 4 @1700000000\n4444;\n%s 2 @1700000000\n22;\n"
                     "empty 0 @1700000000\n;\nimages/ 0 @-7\nimages/run* 1 @1700000000\nx;\n"
                     "new\nline\033[2J 2 @1700000000\n55;\n",
                     deep));
}

static void compress(const Buf *in, Buf *out)
{
    Err err = {0};
    Deflater *deflater = deflater_new(1, &err);
    ck_assert_ptr_nonnull(deflater);
    ck_ok(deflater_begin(deflater, archive_to_buf, out, &err));
    ck_ok(deflater_add(deflater, in->data, in->len, &err));
    ck_ok(deflater_end(deflater, &err));
    deflater_free(deflater);
}

static void check_buf(const Buf *is, const Buf *should)
{
    ck_assert_msg(is->len == should->len && memcmp(is->data, should->data, is->len) == 0, "%.*s\nshould be\n%.*s", (int)is->len,
                  is->data, (int)should->len, should->data);
}

/* The writer's members come back as they were, however the bytes come in, compressed or not, in any locale. */
START_TEST(round_trip)
{
    static const size_t sizes[] = {1, 7, 511, 512, 513, 65537, SIZE_MAX};
    static const char *const locales[] = {"C", "C.UTF-8"};
    Err err = {0};
    Buf tar = {0}, gzip = {0}, expected = {0};
    Seen seen = {0};
    write_sample(&tar, &expected);
    compress(&tar, &gzip);
    for (size_t l = 0; l < 2; l++) {
        ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[l]));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            ck_ok(read_pieces(pieces_of(&tar, sizes[i]), SAMPLE_BYTES, &seen, &err));
            check_buf(&seen.text, &expected);
            check_buf(&seen.raw, &tar);
            ck_ok(read_pieces(pieces_of(&gzip, sizes[i]), SAMPLE_BYTES, &seen, &err));
            check_buf(&seen.text, &expected);
            check_buf(&seen.raw, &tar);
        }
    }
    ck_fails(read_pieces(pieces_of(&tar, 512), SAMPLE_BYTES - 1, &seen, &err), ERR_SKIP, "more than 14 bytes");
    buf_free(&tar);
    buf_free(&gzip);
    buf_free(&expected);
    free_seen(&seen);
}
END_TEST

/* Cut anywhere, it is never taken for whole. */
START_TEST(cut_anywhere)
{
    Err err = {0};
    Buf tar = {0}, gzip = {0}, expected = {0};
    Seen seen = {0};
    write_sample(&tar, &expected);
    compress(&tar, &gzip);
    for (size_t len = 0; len < tar.len; len++)
        ck_fails(read_pieces((Pieces){.data = tar.data, .len = len, .piece = 4096}, SAMPLE_BYTES, &seen, &err), ERR_SKIP, "");
    for (size_t len = 0; len < gzip.len; len++)
        ck_fails(read_pieces((Pieces){.data = gzip.data, .len = len, .piece = 4096}, SAMPLE_BYTES, &seen, &err), ERR_SKIP, "");
    buf_free(&tar);
    buf_free(&gzip);
    buf_free(&expected);
    free_seen(&seen);
}
END_TEST

/* Errors of the source and of the visitor come out as they are, whichever call fails; nobody is called again. */
START_TEST(errors_come_back)
{
    Err err = {0};
    Buf tar = {0}, expected = {0};
    Seen seen = {0};
    write_sample(&tar, &expected);
    for (size_t fail_at = 1; fail_at <= tar.len / 100 + 1; fail_at++) {
        Pieces pieces = pieces_of(&tar, 100);
        pieces.fail_at = fail_at;
        ck_fails(read_pieces(pieces, SAMPLE_BYTES, &seen, &err), ERR_RETRY, "the network is gone");
    }
    for (seen.fail_at = 1; seen.fail_at <= 18; seen.fail_at++) {
        ck_fails(read_pieces(pieces_of(&tar, 4096), SAMPLE_BYTES, &seen, &err), ERR_STOP, "the visitor has enough");
        ck_assert_int_eq(seen.calls, seen.fail_at);
    }
    ck_ok(read_pieces(pieces_of(&tar, 4096), SAMPLE_BYTES, &seen, &err));
    ck_assert_int_eq(seen.calls, 18); /* 7 members, 5 pieces of data, 6 ends */
    buf_free(&tar);
    buf_free(&expected);
    free_seen(&seen);
}
END_TEST

/* What other programs write: GNU tar in each of its formats, with and without the entry for the root. */
START_TEST(other_writers)
{
    static const char *const formats[] = {"gnu", "oldgnu", "pax", "ustar", "v7"};
    Err err = {0};
    Seen seen = {0};
    Buf archive = {0};
    char command[900], path[300];
    const char *dir = unit_temp_dir();
    snprintf(path, sizeof path, "%s/a.tar", dir);
    snprintf(command, sizeof command, "mkdir -p '%s/m/sub' && cd '%s/m' && printf 12345 >a && printf x >sub/b && chmod 755 sub/b",
             dir, dir);
    run_command(command);
    for (size_t i = 0; i < 2 * sizeof formats / sizeof *formats; i++) {
        snprintf(command, sizeof command, "tar --format=%s --sort=name --mtime=@1700000000 -c%sf '%s' -C '%s/m' %s", formats[i / 2],
                 i % 2 == 0 ? "" : "z", path, dir, i % 2 == 0 ? "." : "a sub");
        run_command(command);
        buf_clear(&archive);
        ck_ok(fs_read_file(path, UINT64_MAX, &archive, &err));
        ck_ok(read_pieces(pieces_of(&archive, 1000), 6, &seen, &err));
        ck_ok(buf_text(&seen.text, "", &err));
        ck_assert_str_eq(seen.text.data, "a 5 @1700000000\n12345;\nsub/ 0 @1700000000\nsub/b* 1 @1700000000\nx;\n");
    }
    buf_free(&archive);
    free_seen(&seen);
    unit_remove_temp();
}
END_TEST

static bool skip_archive(void *ctx, const void *data, size_t len, Err *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return true;
}

/* What the writer takes, the reader takes: paths as long, as deep and as many as allowed, and not one more. */
START_TEST(limits)
{
    Err err = {0};
    Buf out = {0};
    Seen seen = {0};
    char deep[2 * TAR_DEPTH_MAX + 2], path[TAR_PATH_MAX + 2];
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? 'd' : '/';
    memset(path, 'p', sizeof path);
    TarWriter *tar = tar_writer_new(archive_to_buf, &out, &err);
    ck_assert_ptr_nonnull(tar);
    deep[2 * TAR_DEPTH_MAX + 1] = path[TAR_PATH_MAX + 1] = '\0';
    ck_fails(tar_add_directory(tar, deep, 0, &err), ERR_SKIP, "too long or too deep");
    ck_fails(tar_add_file(tar, path, 0, 0, false, &err), ERR_SKIP, "too long or too deep");
    deep[2 * TAR_DEPTH_MAX - 1] = path[TAR_PATH_MAX] = '\0';
    ck_ok(tar_add_directory(tar, deep, 0, &err));
    ck_ok(tar_add_file(tar, path, 0, 0, false, &err));
    ck_ok(tar_end(tar, &err));
    tar_writer_free(tar);
    ck_ok(read_pieces(pieces_of(&out, 4096), 0, &seen, &err));
    buf_free(&out);
    free_seen(&seen);
}
END_TEST

START_TEST(writer_counts)
{
    Err err = {0};
    char path[TAR_PATH_MAX + 1];
    TarWriter *tar = tar_writer_new(skip_archive, NULL, &err);
    ck_assert_ptr_nonnull(tar);
    for (uint64_t i = 0; i < TAR_MEMBERS_MAX; i++) {
        snprintf(path, sizeof path, "%llx", (unsigned long long)i);
        ck_ok(tar_add_directory(tar, path, 0, &err));
    }
    ck_fails(tar_add_directory(tar, "x", 0, &err), ERR_SKIP, "more than 262144 members");
    tar_writer_free(tar);
    tar = tar_writer_new(skip_archive, NULL, &err);
    ck_assert_ptr_nonnull(tar);
    memset(path, 'p', sizeof path);
    path[TAR_PATH_MAX] = '\0';
    for (uint64_t i = 0; i < TAR_NAMES_MAX / TAR_PATH_MAX; i++)
        ck_ok(tar_add_directory(tar, path, 0, &err));
    ck_fails(tar_add_directory(tar, "x", 0, &err), ERR_SKIP, "their paths are too long");
    tar_writer_free(tar);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/tar_read");
    TCase *tests = tcase_create("tar_read");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, round_trip);
    tcase_add_test(tests, cut_anywhere);
    tcase_add_test(tests, errors_come_back);
    tcase_add_test(tests, other_writers);
    tcase_add_test(tests, limits);
    tcase_add_test(tests, writer_counts);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
