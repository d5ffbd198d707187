/* The same content gives the same bytes, whichever deflater makes them and whatever it made before. */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "port/gzip.h"

#define CONTENTS 4000
#define MAX_BYTES ((size_t)6000)

typedef struct Output {
    unsigned char data[2 * MAX_BYTES];
    size_t len;
} Output;

static bool take(void *ctx, const void *data, size_t len, Err *err)
{
    (void)err;
    Output *out = ctx;
    ck_assert_uint_le(out->len + len, sizeof out->data);
    memcpy(out->data + out->len, data, len);
    out->len += len;
    return true;
}

static void deflate_all(Deflater *deflater, const unsigned char *data, size_t len, Output *out)
{
    Err err = {0};
    out->len = 0;
    ck_assert_msg(deflater_begin(deflater, take, out, &err) && deflater_add(deflater, data, len, &err) &&
                      deflater_end(deflater, &err),
                  "%s", err.text);
}

/* Bytes that repeat after a short period, with a few exceptions: the first match tells what the compressor knows. */
static size_t make_content(unsigned char *data, unsigned *state)
{
    size_t period = (size_t)rand_r(state) % 40 + 1, len = (size_t)rand_r(state) % MAX_BYTES + 1;
    for (size_t i = 0; i < len; i++)
        data[i] = i < period || rand_r(state) % 500 == 0 ? (unsigned char)rand_r(state) : data[i - period];
    return len;
}

START_TEST(two_deflaters_make_the_same_bytes)
{
    static unsigned char data[MAX_BYTES];
    static Output one, other;
    unsigned state = 1;
    Err err = {0};
    Deflater *kept = deflater_new(_i, &err);
    ck_assert_ptr_nonnull(kept);
    for (int i = 0; i < CONTENTS; i++) {
        size_t len = make_content(data, &state);
        Deflater *fresh = deflater_new(_i, &err);
        ck_assert_ptr_nonnull(fresh);
        deflate_all(kept, data, len, &one);
        deflate_all(fresh, data, len, &other);
        ck_assert_msg(one.len == other.len && memcmp(one.data, other.data, one.len) == 0,
                      "content %d of %zu bytes: %zu and %zu bytes", i, len, one.len, other.len);
        deflater_free(fresh);
    }
    deflater_free(kept);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/gzip: same bytes");
    TCase *tcase = tcase_create("levels 1 to 4");
    tcase_add_loop_test(tcase, two_deflaters_make_the_same_bytes, 1, 5);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
