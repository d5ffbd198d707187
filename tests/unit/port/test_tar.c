#include "port/tar.h"

#include <locale.h>

#include "base/buf.h"
#include "base/atomic_file.h"
#include "base/fs.h"
#include "../unit.h"

static bool to_buf(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

static bool to_count(void *ctx, const void *data, size_t len, Err *err)
{
    (void)data;
    (void)err;
    *(uint64_t *)ctx += len;
    return true;
}

static TarWriter *new_writer(Buf *out)
{
    Err err = {0};
    buf_clear(out);
    TarWriter *tar = tar_writer_new(to_buf, out, &err);
    ck_assert_msg(tar != NULL, "%s", err.text);
    return tar;
}

/* Runs `script` in Python with the archive in sys.argv[1]; it must end well. */
static void check_with_python(const Buf *archive, const char *script)
{
    Err err = {0};
    char path[300], file[300], command[700];
    snprintf(path, sizeof path, "%s/a.tar", unit_temp_dir());
    snprintf(file, sizeof file, "%s/a.py", unit_temp_dir());
    snprintf(command, sizeof command, "LC_ALL=C.UTF-8 python3 '%s' '%s'", file, path);
    ck_ok(atomic_file_put(path, 0600, archive->data, archive->len, &err));
    ck_ok(atomic_file_put(file, 0600, script, strlen(script), &err));
    ck_assert_int_eq(system(command), 0);
    unit_remove_temp();
}

static void file(TarWriter *tar, const char *path, const char *text)
{
    Err err = {0};
    ck_ok(tar_add_file(tar, path, strlen(text), 1700000000, false, &err));
    ck_ok(tar_data(tar, text, strlen(text), &err));
}

START_TEST(members_as_python_sees_them)
{
    Err err = {0};
    Buf out = {0};
    TarWriter *tar = new_writer(&out);
    ck_ok(tar_add_directory(tar, "images", 1700000001, &err));
    file(tar, "images/0.jpg", "jpeg");
    file(tar, "empty", "");
    ck_ok(tar_add_file(tar, "run.sh", 5, -7, true, &err));
    ck_ok(tar_data(tar, "ab", 2, &err));
    ck_ok(tar_data(tar, "", 0, &err));
    ck_ok(tar_data(tar, "cde", 3, &err));
    ck_ok(tar_end(tar, &err));
    tar_writer_free(tar);
    ck_assert_uint_eq(out.len % 512, 0);
    check_with_python(&out,
                      "import sys, tarfile\n"
                      "t = tarfile.open(sys.argv[1])\n"
                      "got = [(m.name, m.isdir(), m.size, m.mode, m.mtime, m.uid, m.gid, m.uname, m.gname) for m in t]\n"
                      "want = [('images', True, 0, 0o755, 1700000001, 0, 0, '', ''), ('images/0.jpg', False, 4, 0o644, 1700000000, "
                      "0, 0, '', ''),\n"
                      "  ('empty', False, 0, 0o644, 1700000000, 0, 0, '', ''), ('run.sh', False, 5, 0o755, -7, 0, 0, '', '')]\n"
                      "assert got == want, got\n"
                      "assert t.extractfile('run.sh').read() == b'abcde' and t.extractfile('images/0.jpg').read() == b'jpeg'\n");
    buf_free(&out);
}
END_TEST

static void add_odd_names(TarWriter *tar)
{
    char hundred[140], deep[400];
    memset(hundred, 'a', sizeof hundred);
    hundred[sizeof hundred - 1] = '\0';
    memset(deep, 'b', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    deep[200] = '/';
    file(tar, hundred, "1");
    file(tar, deep, "22");
    file(tar, "caf\xc3\xa9.json", "333");
    file(tar, "cafe\xcc\x81.json", "4444"); /* decomposed: must not be normalised */
    file(tar, "\xf0\x9f\x98\x80", "55555");
    file(tar, "bad\xff\xfe", "666666");
    file(tar, "tab\tquote\"back\\new\nline", "7777777");
}

/* Every name comes back byte for byte, and UTF-8 names need no mark that other programs complain about. */
START_TEST(any_name_any_locale)
{
    static const char *const locales[] = {"C", "C.UTF-8"};
    Err err = {0};
    Buf out[2] = {{0}, {0}};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(setlocale(LC_ALL, locales[i]));
        TarWriter *tar = new_writer(&out[i]);
        add_odd_names(tar);
        ck_ok(tar_end(tar, &err));
        tar_writer_free(tar);
        ck_assert_str_eq(setlocale(LC_ALL, NULL), locales[i]);
        ck_assert_ptr_eq(uselocale((locale_t)0), LC_GLOBAL_LOCALE);
    }
    ck_assert_uint_eq(out[0].len, out[1].len);
    ck_assert(memcmp(out[0].data, out[1].data, out[0].len) == 0);
    check_with_python(&out[0], "import os, sys, tarfile\n"
                               "ms = tarfile.open(sys.argv[1]).getmembers()\n"
                               "got = [(os.fsencode(m.name), m.size) for m in ms]\n"
                               "want = [(b'a' * 139, 1), (b'b' * 200 + b'/' + b'b' * 198, 2), (b'caf\\xc3\\xa9.json', 3), "
                               "(b'cafe\\xcc\\x81.json', 4),\n"
                               "  (b'\\xf0\\x9f\\x98\\x80', 5), (b'bad\\xff\\xfe', 6), (b'tab\\tquote\"back\\\\new\\nline', 7)]\n"
                               "assert got == want, got\n"
                               "assert [m.name[:3] for m in ms if 'hdrcharset' in m.pax_headers] == ['bad']\n");
    buf_free(&out[0]);
    buf_free(&out[1]);
}
END_TEST

/* 9 GiB: more than the 8 GiB that the old size field holds. The header is read by Python, the data only counted. */
START_TEST(huge_member)
{
    Err err = {0};
    Buf out = {0};
    uint64_t total = 0, bytes = UINT64_C(9) << 30;
    size_t piece = (size_t)64 << 20;
    char *zeros = calloc(1, piece);
    ck_assert_ptr_nonnull(zeros);
    TarWriter *tar = new_writer(&out);
    ck_ok(tar_add_file(tar, "model.bin", bytes, 1700000000, false, &err));
    tar_writer_free(tar);
    check_with_python(&out, "import sys, tarfile\n"
                            "m = tarfile.open(sys.argv[1]).next()\n"
                            "assert (m.name, m.size) == ('model.bin', 9 << 30), (m.name, m.size)\n");
    tar = tar_writer_new(to_count, &total, &err);
    ck_assert_ptr_nonnull(tar);
    ck_ok(tar_add_file(tar, "model.bin", bytes, 1700000000, false, &err));
    for (uint64_t done = 0; done < bytes; done += piece)
        ck_ok(tar_data(tar, zeros, piece, &err));
    ck_ok(tar_end(tar, &err));
    ck_assert_uint_eq(total, bytes + out.len + 1024);
    tar_writer_free(tar);
    buf_free(&out);
    free(zeros);
}
END_TEST

/* A member that is too short or too long is our own mistake, never silently padded or cut. */
START_TEST(sizes_must_match)
{
    Err err = {0};
    Buf out = {0};
    TarWriter *tar = new_writer(&out);
    ck_ok(tar_add_file(tar, "a", 5, 0, false, &err));
    ck_ok(tar_data(tar, "1234", 4, &err));
    ck_fails(tar_add_file(tar, "b", 0, 0, false, &err), ERR_BUG, "lacks 1 bytes");
    ck_fails(tar_add_directory(tar, "c", 0, &err), ERR_BUG, "lacks 1 bytes");
    ck_fails(tar_end(tar, &err), ERR_BUG, "lacks 1 bytes");
    ck_fails(tar_data(tar, "56", 2, &err), ERR_BUG, "more bytes");
    ck_ok(tar_data(tar, "5", 1, &err));
    ck_fails(tar_data(tar, "6", 1, &err), ERR_BUG, "more bytes");
    ck_ok(tar_end(tar, &err));
    ck_fails(tar_add_directory(tar, "d", 0, &err), ERR_BUG, "closed");
    ck_fails(tar_end(tar, &err), ERR_BUG, "closed");
    tar_writer_free(tar);
    tar = new_writer(&out);
    ck_fails(tar_add_file(tar, "/etc/passwd", 0, 0, false, &err), ERR_BUG, "cannot be a tar member");
    ck_fails(tar_add_file(tar, "", 0, 0, false, &err), ERR_BUG, "cannot be a tar member");
    ck_fails(tar_add_file(tar, "x", UINT64_MAX, 0, false, &err), ERR_BUG, "cannot be a tar member");
    tar_writer_free(tar);
    tar_writer_free(NULL);
    buf_free(&out);
}
END_TEST

typedef struct Limit {
    uint64_t left;
    int calls_after;
} Limit;

static bool to_limit(void *ctx, const void *data, size_t len, Err *err)
{
    Limit *limit = ctx;
    (void)data;
    if (limit->left == 0)
        limit->calls_after++;
    if (len > limit->left) {
        limit->left = 0;
        err_set(err, ERR_INTERRUPTED, "asked to end");
        err_hint(err, "run again");
        return false;
    }
    limit->left -= len;
    return true;
}

/* The sink's error comes out whole, wherever it strikes, and the sink is left alone afterwards. */
START_TEST(sink_error_comes_back)
{
    static const char data[3000] = {0};
    for (uint64_t left = 0; left < 6000; left += 100) {
        Err err = {0};
        Limit limit = {.left = left};
        TarWriter *tar = tar_writer_new(to_limit, &limit, &err);
        ck_assert_ptr_nonnull(tar);
        bool ok = tar_add_file(tar, "a", sizeof data, 0, false, &err) && tar_data(tar, data, sizeof data, &err) &&
                  tar_add_directory(tar, "b", 0, &err) && tar_end(tar, &err);
        /* header, data and padding, header, end */
        ck_assert_int_eq(ok, left >= 512 + 3072 + 512 + 1024);
        if (!ok) {
            ck_assert_int_eq(err.cls, ERR_INTERRUPTED);
            ck_assert_str_eq(err.text, "asked to end");
            ck_assert_str_eq(err.hint, "run again");
            ck_fails(tar_add_directory(tar, "c", 0, &err), ERR_BUG, "broken");
        }
        tar_writer_free(tar);
        ck_assert_int_le(limit.calls_after, left == 0);
    }
}
END_TEST

/* Freeing an archive that was not ended must not send the rest of it. */
START_TEST(abandoned)
{
    Err err = {0};
    Buf out = {0};
    TarWriter *tar = new_writer(&out);
    ck_ok(tar_add_file(tar, "a", 100000, 0, false, &err));
    ck_ok(tar_data(tar, "x", 1, &err));
    tar_writer_free(tar);
    ck_assert_uint_eq(out.len, 513);
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/tar");
    TCase *tests = tcase_create("tar");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, members_as_python_sees_them);
    tcase_add_test(tests, any_name_any_locale);
    tcase_add_test(tests, huge_member);
    tcase_add_test(tests, sizes_must_match);
    tcase_add_test(tests, sink_error_comes_back);
    tcase_add_test(tests, abandoned);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
