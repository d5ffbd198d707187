/* The plain form of what joblib wrote, and back. The arrays were written by joblib 1.2; that Python loads the plain form is tested by
 * tests/cli/test_plain_pickles.py. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "../../../src/source/pickle/plain.h"
#include "../unit.h"
#include "base/buf.h"

/* numpy.arange(3, dtype="i4"), numpy.array(["a", None], dtype=object); protocol 4. */
static const char numbers[] =
    "\200\004\225\313\000\000\000\000\000\000\000\214\023joblib.numpy_pickle\224\214\021NumpyArrayWrapper"
    "\224\223\224)\201\224}\224(\214\010subclass\224\214\005numpy\224\214\007ndarray\224\223\224\214\005s"
    "hape\224K\003\205\224\214\005order\224\214\001C\224\214\005dtype\224h\006h\015\223\224\214\002i4\224"
    "\211\210\207\224R\224(K\003\214\001<\224NNNJ\377\377\377\377J\377\377\377\377K\000t\224b\214\012allo"
    "w_mmap\224\210\214\033numpy_array_alignment_bytes\224K\020ub\011\377\377\377\377\377\377\377\377\377"
    "\000\000\000\000\001\000\000\000\002\000\000\000.";
static const char objects[] =
    "\200\004\225\313\000\000\000\000\000\000\000\214\023joblib.numpy_pickle\224\214\021NumpyArrayWrapper"
    "\224\223\224)\201\224}\224(\214\010subclass\224\214\005numpy\224\214\007ndarray\224\223\224\214\005s"
    "hape\224K\002\205\224\214\005order\224\214\001C\224\214\005dtype\224h\006h\015\223\224\214\002O8\224"
    "\211\210\207\224R\224(K\003\214\001|\224NNNJ\377\377\377\377J\377\377\377\377K\077t\224b\214\012allo"
    "w_mmap\224\211\214\033numpy_array_alignment_bytes\224K\020ub\200\002cnumpy.core.multiarray\012_recon"
    "struct\012q\000cnumpy\012ndarray\012q\001K\000\205q\002c_codecs\012encode\012q\003X\001\000\000\000b"
    "q\004X\006\000\000\000latin1q\005\206q\006Rq\007\207q\010Rq\011(K\001K\002\205q\012cnumpy\012dtype"
    "\012q\013X\002\000\000\000O8q\014\211\210\207q\015Rq\016(K\003X\001\000\000\000|q\017NNNJ\377\377"
    "\377\377J\377\377\377\377K\077tq\020b\211]q\021(X\001\000\000\000aq\022Netq\023b..";

static bool keep(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

static bool to_plain(const void *data, size_t len, bool original, Buf *out, Err *err)
{
    PlainWriter *writer = plain_writer_new(16, "/tmp", err);
    ck_assert_ptr_nonnull(writer);
    plain_writer_begin(writer, original, NULL, keep, out);
    bool ok = true;
    for (size_t at = 0; ok && at < len; at++)
        ok = plain_writer_add(writer, (const char *)data + at, 1, err);
    ok = ok && plain_writer_end(writer, err);
    plain_writer_free(writer);
    return ok;
}

static bool from_plain(const Buf *plain, Buf *out, Err *err)
{
    PlainReader *reader = plain_reader_new(err);
    ck_assert_ptr_nonnull(reader);
    plain_reader_begin(reader, keep, out);
    bool ok = plain_reader_add(reader, plain->data, plain->len, err) && plain_reader_end(reader, err);
    plain_reader_free(reader);
    return ok;
}

static void comes_back(const char *data, size_t len, size_t more)
{
    Err err = {0};
    Buf plain = {0}, back = {0};
    ck_ok(to_plain(data, len, false, &plain, &err));
    ck_assert_uint_eq(plain.len, len + more);
    ck_ok(from_plain(&plain, &back, &err));
    ck_assert(back.len == len && memcmp(back.data, data, len) == 0);
    buf_free(&plain);
    buf_free(&back);
}

START_TEST(a_file_comes_back)
{
    comes_back(numbers, sizeof numbers - 1, 39);
    comes_back(objects, sizeof objects - 1, 26);
    comes_back("\x80\x04}.", 4, 0);
}
END_TEST

START_TEST(the_original_follows)
{
    Err err = {0};
    Buf plain = {0}, back = {0};
    ck_ok(to_plain(numbers, sizeof numbers - 1, true, &plain, &err));
    ck_assert(memcmp(plain.data, "\x80\x04N0", 4) == 0);
    ck_ok(buf_append(&plain, "compressed", 10, &err));
    ck_ok(from_plain(&plain, &back, &err));
    ck_assert(back.len == 10 && memcmp(back.data, "compressed", 10) == 0);
    buf_free(&plain);
    buf_free(&back);
}
END_TEST

START_TEST(what_was_put_in_must_be_what_is_there)
{
    Err err = {0};
    Buf plain = {0}, back = {0};
    ck_ok(to_plain(numbers, sizeof numbers - 1, false, &plain, &err));
    char *class = memmem(plain.data, plain.len, "cnumpy\nndarray", 14);
    ck_assert_ptr_nonnull(class);
    class[3] = 'U';
    ck_fails(from_plain(&plain, &back, &err), ERR_SKIP, "something else in the place of an array");
    class[3] = 'm';
    plain.data[plain.len - 2] = 'c'; /* BUILD behind the bytes */
    ck_fails(from_plain(&plain, &back, &err), ERR_SKIP, "something else behind an array");
    plain.data[plain.len - 2] = 'b';
    plain.len--;
    ck_fails(from_plain(&plain, &back, &err), ERR_SKIP, "has no end");
    buf_free(&plain);
    buf_free(&back);
}
END_TEST

typedef struct Refused {
    const char *data;
    size_t len;
    const char *why;
} Refused;

/* MEMOIZE writes to the number of entries that are set, 1, not behind the last. */
START_TEST(memoize_counts_what_is_set)
{
    Err err = {0};
    Buf out = {0};
    ck_ok(to_plain("Nq\x05\x94h\x01h\x05.", 9, false, &out, &err));
    buf_clear(&out);
    ck_fails(to_plain("Nq\x05\x94h\x06.", 7, false, &out, &err), ERR_SKIP, "nothing of this number");
    buf_free(&out);
}
END_TEST

#define REFUSED(bytes, why) {(bytes), sizeof(bytes) - 1, (why)}

static const Refused refused[] = {
    REFUSED("", "has no end"),
    REFUSED("\x80\x04N", "has no end"),
    REFUSED("\x80\x04N..", "ends before the file does"),
    REFUSED("\xff", "has an unknown opcode"),
    REFUSED(".", "it ends without an object"),
    REFUSED("0.", "nothing to drop"),
    REFUSED("R.", "a call without arguments"),
    REFUSED("t.", "no mark"),
    REFUSED("Nh\x07.", "nothing of this number is remembered"),
    REFUSED("Nr\xff\xff\xff\x7f.", "refers to more than"),
    REFUSED("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f" "abc", "has no end"),
    REFUSED("cjoblib.numpy_pickle\nNDArrayWrapper\n)\x81}b.", "in the form of an old joblib"),
    REFUSED("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b.", "has no description"),
    REFUSED("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81Nb.", "has no description"),
};

START_TEST(what_cannot_be_followed_is_refused)
{
    Err err;
    Buf out = {0};
    ck_fails(to_plain(refused[_i].data, refused[_i].len, false, &out, &err), ERR_SKIP, refused[_i].why);
    buf_free(&out);
}
END_TEST

/* The frame of the placeholder goes on behind it. */
START_TEST(an_array_inside_a_frame)
{
    Err err = {0};
    Buf out = {0};
    char file[sizeof numbers];
    memcpy(file, numbers, sizeof numbers);
    file[3]++;
    ck_fails(to_plain(file, sizeof file - 1, false, &out, &err), ERR_SKIP, "has an array inside a frame");
    buf_free(&out);
}
END_TEST

/* One byte of the file is another one: it is refused, or what comes back is that file. */
START_TEST(any_byte_may_be_wrong)
{
    char file[sizeof objects - 1];
    for (size_t at = 0; at < sizeof file; at++) {
        Err err = {0};
        Buf plain = {0}, back = {0};
        memcpy(file, objects, sizeof file);
        file[at] = (char)(file[at] + 1 + _i);
        if (to_plain(file, sizeof file, false, &plain, &err) && from_plain(&plain, &back, &err))
            ck_assert(back.len == sizeof file && memcmp(back.data, file, sizeof file) == 0);
        buf_free(&plain);
        buf_free(&back);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/plain");
    TCase *tcase = tcase_create("plain");
    tcase_add_test(tcase, a_file_comes_back);
    tcase_add_test(tcase, the_original_follows);
    tcase_add_test(tcase, what_was_put_in_must_be_what_is_there);
    tcase_add_test(tcase, memoize_counts_what_is_set);
    tcase_add_loop_test(tcase, what_cannot_be_followed_is_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tcase, an_array_inside_a_frame);
    tcase_add_loop_test(tcase, any_byte_may_be_wrong, 0, 20);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
