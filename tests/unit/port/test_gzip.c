#include "port/gzip.h"

#include "base/buf.h"
#include "base/atomic_file.h"
#include "base/fs.h"
#include "../unit.h"

#include <fcntl.h>

#define BLOCK ((size_t)256 * 1024)

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

/* Like a pickled forest: records of small integers and doubles, some noise. */
static char *sample(size_t len)
{
    char *data = malloc(len + 64);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < len; i += 56) {
        uint64_t record[7] = {
            next_random() % 4000, i / 56, next_random() % 30, UINT64_C(0xfffffffffffffffe), next_random() % 900, 0, 0};
        record[5] = next_random() % 3 == 0 ? next_random() : UINT64_C(0x3fd5555555555555);
        memcpy(data + i, record, 56);
    }
    return data;
}

static bool to_buf(void *ctx, const void *data, size_t len, Err *err)
{
    return buf_append(ctx, data, len, err);
}

/* Pieces of at most `most` bytes, each in memory of its own, so that no library sees a neighbour; 0 = all at once. */
static void deflate_pieces(Deflater *deflater, const char *data, size_t len, size_t most, Buf *out)
{
    Err err = {0};
    buf_clear(out);
    ck_ok(deflater_begin(deflater, to_buf, out, &err));
    for (size_t done = 0, take; done < len; done += take) {
        take = most == 0 ? len : 1 + next_random() % most;
        if (take > len - done)
            take = len - done;
        char *piece = malloc(take);
        ck_assert_ptr_nonnull(piece);
        memcpy(piece, data + done, take);
        ck_ok(deflater_add(deflater, piece, take, &err));
        memset(piece, 0xee, take);
        free(piece);
    }
    ck_ok(deflater_end(deflater, &err));
}

static bool inflate_pieces(Inflater *inflater, const void *data, size_t len, size_t piece, uint64_t max_bytes, Buf *out, Err *err)
{
    buf_clear(out);
    if (!inflater_begin(inflater, max_bytes, to_buf, out, err))
        return false;
    for (size_t done = 0, take; done < len; done += take) {
        take = piece < len - done ? piece : len - done;
        /* A copy of exactly this size: reading past it is seen by the sanitizer. */
        char *copy = malloc(take);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, (const char *)data + done, take);
        bool ok = inflater_add(inflater, copy, take, err);
        free(copy);
        if (!ok)
            return false;
    }
    return inflater_end(inflater, err);
}

static const size_t lengths[] = {0, 1, 5, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 77};

/* The member is the same whatever the pieces were, and a fresh deflater makes what a used one makes. _i is the level. */
START_TEST(same_bytes_for_any_pieces)
{
    Err err = {0};
    Buf whole = {0}, other = {0}, back = {0};
    char *data = sample(lengths[8]);
    Deflater *used = deflater_new(_i, &err);
    Inflater *inflater = inflater_new(&err);
    ck_assert(used != NULL && inflater != NULL);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        Deflater *fresh = deflater_new(_i, &err);
        ck_assert_ptr_nonnull(fresh);
        deflate_pieces(fresh, data, lengths[i], 0, &whole);
        deflater_free(fresh);
        static const size_t most[] = {BLOCK * 3, 100000, 5000, 700000, BLOCK};
        for (size_t k = 0; k < sizeof most / sizeof *most; k++) {
            deflate_pieces(used, data, lengths[i], most[k], &other);
            ck_assert_uint_eq(other.len, whole.len);
            ck_assert(memcmp(other.data, whole.data, whole.len) == 0);
        }
        ck_ok(inflate_pieces(inflater, whole.data, whole.len, 70000, lengths[i], &back, &err));
        ck_assert_uint_eq(back.len, lengths[i]);
        ck_assert(lengths[i] == 0 || memcmp(back.data, data, lengths[i]) == 0);
        /* ID, deflate, no flags, time 0, and the same OS byte from both libraries */
        ck_assert(memcmp(whole.data, "\x1f\x8b\x08\0\0\0\0\0", 8) == 0);
        ck_assert_uint_eq((unsigned char)whole.data[9], 255);
    }
    ck_assert_uint_lt(whole.len, lengths[8] / 2);
    deflater_free(used);
    inflater_free(inflater);
    buf_free(&whole);
    buf_free(&other);
    buf_free(&back);
    free(data);
}
END_TEST

/* What other programs make of it: gzip(1), and Python's reader, which follows members and trailing bytes. */
START_TEST(others_read_it)
{
    Err err = {0};
    Buf member = {0};
    size_t len = 3 * BLOCK + 12345;
    char *data = sample(len), raw[300], packed[300], command[2048];
    Deflater *deflater = deflater_new(_i, &err);
    ck_assert_ptr_nonnull(deflater);
    deflate_pieces(deflater, data, len, 90000, &member);
    snprintf(raw, sizeof raw, "%s/raw", unit_temp_dir());
    snprintf(packed, sizeof packed, "%s/raw.gz", unit_temp_dir());
    ck_ok(atomic_file_put(raw, 0600, data, len, &err));
    ck_ok(atomic_file_put(packed, 0600, member.data, member.len, &err));
    snprintf(command, sizeof command,
             "gzip -t '%s' && gzip -dc '%s' | cmp - '%s' && "
             "python3 -c 'import gzip, sys, zlib; p = open(sys.argv[1], \"rb\").read(); r = open(sys.argv[2], \"rb\").read(); "
             "d = zlib.decompressobj(31); assert d.decompress(p) == r and d.eof and not d.unused_data; assert gzip.decompress(p) "
             "== r' "
             "'%s' '%s'",
             packed, packed, raw, packed, raw);
    ck_assert_int_eq(system(command), 0);
    unit_remove_temp();
    deflater_free(deflater);
    buf_free(&member);
    free(data);
}
END_TEST

static bool refuse(void *ctx, const void *data, size_t len, Err *err)
{
    (void)data;
    (void)len;
    if (--*(int *)ctx >= 0)
        return true;
    err_set(err, ERR_RETRY, "the sink is full");
    memcpy(err->code, "57P01", 6);
    return false;
}

/* The sink's error comes back as it is; afterwards the same deflater makes a good member again. */
START_TEST(sink_error_and_reuse)
{
    Err err = {0};
    Buf expected = {0}, again = {0};
    size_t len = 40 * BLOCK;
    char *data = sample(len);
    Deflater *deflater = deflater_new(_i, &err);
    ck_assert_ptr_nonnull(deflater);
    deflate_pieces(deflater, data, 3 * BLOCK + 5, 0, &expected);
    for (int good = 0; good < 3; good++) {
        int count = good;
        ck_ok(deflater_begin(deflater, refuse, &count, &err));
        ck_fails(deflater_add(deflater, data, len, &err) && deflater_end(deflater, &err), ERR_RETRY, "the sink is full");
        ck_assert_str_eq(err.code, "57P01");
        ck_fails(deflater_add(deflater, data, 1, &err), ERR_BUG, "not open");
        deflate_pieces(deflater, data, 3 * BLOCK + 5, 1000000, &again);
        ck_assert_uint_eq(again.len, expected.len);
        ck_assert(memcmp(again.data, expected.data, again.len) == 0);
    }
    /* Begun, filled in part, never ended. */
    ck_ok(deflater_begin(deflater, to_buf, &again, &err));
    ck_ok(deflater_add(deflater, data + 77, 3 * BLOCK, &err));
    deflate_pieces(deflater, data, 3 * BLOCK + 5, 1000, &again);
    ck_assert_uint_eq(again.len, expected.len);
    ck_assert(memcmp(again.data, expected.data, again.len) == 0);
    ck_fails(deflater_end(deflater, &err), ERR_BUG, "not open");
    deflater_free(deflater);
    buf_free(&expected);
    buf_free(&again);
    free(data);
}
END_TEST

START_TEST(levels_have_limits)
{
    Err err = {0};
    ck_fails(deflater_new(0, &err) != NULL, ERR_BUG, "level");
    ck_fails(deflater_new(10, &err) != NULL, ERR_BUG, "level");
    deflater_free(NULL);
    inflater_free(NULL);
}
END_TEST

static void small_member(const char *text, Buf *member)
{
    Err err = {0};
    Deflater *deflater = deflater_new(1, &err);
    ck_assert_ptr_nonnull(deflater);
    deflate_pieces(deflater, text, strlen(text), 0, member);
    deflater_free(deflater);
}

static const char small_text[] = "one two three one two three one two three four five six seven eight nine ten";
static const size_t piece_sizes[] = {1, 2, 3, 7, 1000};

/* Every cut is "too early", every byte behind is refused, whatever the pieces. */
START_TEST(cut_or_followed)
{
    Err err = {0};
    Buf member = {0}, back = {0}, longer = {0};
    Inflater *inflater = inflater_new(&err);
    ck_assert_ptr_nonnull(inflater);
    small_member(small_text, &member);
    for (size_t p = 0; p < 5; p++) {
        ck_ok(inflate_pieces(inflater, member.data, member.len, piece_sizes[p], sizeof small_text, &back, &err));
        ck_assert_uint_eq(back.len, strlen(small_text));
        ck_assert(memcmp(back.data, small_text, back.len) == 0);
        for (size_t cut = 0; cut < member.len; cut++)
            ck_fails(inflate_pieces(inflater, member.data, cut, piece_sizes[p], 1000, &back, &err), ERR_SKIP, "too early");
        for (size_t more = 1; more < 20; more++) {
            char behind[20] = {0};
            buf_clear(&longer);
            ck_ok(buf_append(&longer, member.data, member.len, &err) && buf_append(&longer, behind, more, &err));
            ck_fails(inflate_pieces(inflater, longer.data, longer.len, piece_sizes[p], 1000, &back, &err), ERR_SKIP, "behind");
        }
        buf_clear(&longer);
        ck_ok(buf_append(&longer, member.data, member.len, &err) && buf_append(&longer, member.data, member.len, &err));
        ck_fails(inflate_pieces(inflater, longer.data, longer.len, piece_sizes[p], 1000, &back, &err), ERR_SKIP, "behind");
    }
    ck_fails(inflater_add(inflater, "x", 1, &err), ERR_BUG, "no gzip member");
    ck_fails(inflater_end(inflater, &err), ERR_BUG, "no gzip member");
    inflater_free(inflater);
    buf_free(&member);
    buf_free(&back);
    buf_free(&longer);
}
END_TEST

/* A flipped bit is found, or it stood where nothing is said: time, extra flags, OS. */
START_TEST(any_bit_flipped)
{
    Err err = {0};
    Buf member = {0}, back = {0};
    Inflater *inflater = inflater_new(&err);
    ck_assert_ptr_nonnull(inflater);
    small_member(small_text, &member);
    for (size_t bit = 0; bit < 8 * member.len; bit++) {
        member.data[bit / 8] ^= (char)(1 << bit % 8);
        bool ok = inflate_pieces(inflater, member.data, member.len, 1000, 1000, &back, &err);
        bool harmless = (bit / 8 >= 4 && bit / 8 < 10) || bit == 24; /* bit 24: FTEXT, only a hint */
        ck_assert_msg(ok == harmless || (ok && back.len == strlen(small_text) && memcmp(back.data, small_text, back.len) == 0),
                      "bit %zu", bit);
        ck_assert(ok || err.cls == ERR_SKIP);
        member.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t at = member.len - 8; at < member.len; at++) {
        member.data[at]++;
        ck_fails(inflate_pieces(inflater, member.data, member.len, 1, 1000, &back, &err), ERR_SKIP, "wrong checksum or length");
        member.data[at]--;
    }
    inflater_free(inflater);
    buf_free(&member);
    buf_free(&back);
}
END_TEST

START_TEST(output_is_capped)
{
    Err err = {0};
    Buf member = {0}, back = {0};
    size_t len = 3 * BLOCK + 9;
    char *zeros = calloc(1, len);
    Deflater *deflater = deflater_new(9, &err);
    Inflater *inflater = inflater_new(&err);
    ck_assert(zeros != NULL && deflater != NULL && inflater != NULL);
    deflate_pieces(deflater, zeros, len, 0, &member);
    ck_assert_uint_lt(member.len, 2000);
    ck_ok(inflate_pieces(inflater, member.data, member.len, 100, len, &back, &err));
    ck_assert_uint_eq(back.len, len);
    ck_fails(inflate_pieces(inflater, member.data, member.len, 100, len - 1, &back, &err), ERR_SKIP, "more than 786440 bytes");
    ck_assert_uint_lt(back.len, len);
    ck_fails(inflate_pieces(inflater, member.data, member.len, 5000, 0, &back, &err), ERR_SKIP, "more than 0 bytes");
    ck_assert_uint_eq(back.len, 0);
    int count = 1;
    ck_ok(inflater_begin(inflater, len, refuse, &count, &err));
    ck_fails(inflater_add(inflater, member.data, member.len, &err), ERR_RETRY, "the sink is full");
    inflater_free(inflater);
    deflater_free(deflater);
    buf_free(&member);
    buf_free(&back);
    free(zeros);
}
END_TEST

/* Names, comments, extra fields and header checksums of other writers, in pieces of any size. */
START_TEST(long_headers)
{
    static const char head[] = "\x1f\x8b\x08\x1e\1\2\3\4\2\3" "\5\0extra" "model.joblib\0" "a comment\0";
    Err err = {0};
    Buf member = {0}, packed = {0}, back = {0};
    Inflater *inflater = inflater_new(&err);
    ck_assert_ptr_nonnull(inflater);
    small_member(small_text, &member);
    uint32_t crc = gzip_crc32(head, sizeof head - 1);
    unsigned char low[2] = {crc & 0xff, crc >> 8 & 0xff};
    ck_ok(buf_append(&packed, head, sizeof head - 1, &err) && buf_append(&packed, low, 2, &err));
    ck_ok(buf_append(&packed, member.data + 10, member.len - 10, &err));
    for (size_t piece = 1; piece < packed.len + 2; piece++) {
        ck_ok(inflate_pieces(inflater, packed.data, packed.len, piece, 1000, &back, &err));
        ck_assert_uint_eq(back.len, strlen(small_text));
    }
    packed.data[20]++;
    ck_fails(inflate_pieces(inflater, packed.data, packed.len, 1000, 1000, &back, &err), ERR_SKIP, "bad header");
    inflater_free(inflater);
    buf_free(&member);
    buf_free(&packed);
    buf_free(&back);
}
END_TEST

START_TEST(not_gzip)
{
    Err err = {0};
    Buf member = {0}, back = {0};
    Inflater *inflater = inflater_new(&err);
    ck_assert_ptr_nonnull(inflater);
    small_member(small_text, &member);
    ck_fails(inflate_pieces(inflater, "\x80\x04\x95 a pickle", 12, 12, 1000, &back, &err), ERR_SKIP, "not gzip");
    ck_fails(inflate_pieces(inflater, "", 0, 1, 1000, &back, &err), ERR_SKIP, "too early");
    for (size_t p = 0; p < 5; p++) {
        member.data[3] = 0x20;
        ck_fails(inflate_pieces(inflater, member.data, member.len, piece_sizes[p], 1000, &back, &err), ERR_SKIP,
                 "unknown header flags");
        member.data[3] = 0;
    }
    inflater_free(inflater);
    buf_free(&member);
    buf_free(&back);
}
END_TEST

/* The input ends while output waits inside the library: lengths around one and two output buffers, all input at once. */
START_TEST(output_waits_inside)
{
    Err err = {0};
    Buf member = {0}, back = {0};
    char *zeros = calloc(1, 2 * BLOCK + 400);
    Inflater *inflater = inflater_new(&err);
    ck_assert(zeros != NULL && inflater != NULL);
    for (int level = 1; level <= 6; level += 5) {
        Deflater *deflater = deflater_new(level, &err);
        ck_assert_ptr_nonnull(deflater);
        for (size_t buffers = 1; buffers <= 2; buffers++)
            for (size_t len = buffers * BLOCK - 20; len < buffers * BLOCK + 300; len++) {
                deflate_pieces(deflater, zeros, len, 0, &member);
                ck_ok(inflate_pieces(inflater, member.data, member.len, member.len, len, &back, &err));
                ck_assert_uint_eq(back.len, len);
            }
        deflater_free(deflater);
    }
    inflater_free(inflater);
    buf_free(&member);
    buf_free(&back);
    free(zeros);
}
END_TEST

START_TEST(crc_of_gzip)
{
    ck_assert_uint_eq(gzip_crc32("123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(gzip_crc32(NULL, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/gzip");
    TCase *tests = tcase_create("gzip");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, same_bytes_for_any_pieces, 1, 10);
    tcase_add_loop_test(tests, others_read_it, 1, 10);
    tcase_add_loop_test(tests, sink_error_and_reuse, 1, 5);
    tcase_add_test(tests, levels_have_limits);
    tcase_add_test(tests, cut_or_followed);
    tcase_add_test(tests, any_bit_flipped);
    tcase_add_test(tests, output_is_capped);
    tcase_add_test(tests, long_headers);
    tcase_add_test(tests, not_gzip);
    tcase_add_test(tests, output_waits_inside);
    tcase_add_test(tests, crc_of_gzip);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
