#include "base/buf.h"

#include "../unit.h"

START_TEST(append_and_grow)
{
    Err err = {0};
    Buf buf = {0};
    char expected[5000];
    ck_ok(buf_append(&buf, NULL, 0, &err));
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (char)(i * 31);
        ck_ok(buf_append(&buf, &expected[i], 1, &err));
    }
    ck_assert_uint_eq(buf.len, sizeof expected);
    ck_assert(memcmp(buf.data, expected, buf.len) == 0);
    ck_assert_uint_le(buf.cap, 2 * sizeof expected);
    char *before = buf.data;
    buf_clear(&buf);
    ck_assert_uint_eq(buf.len, 0);
    ck_ok(buf_append(&buf, expected, sizeof expected, &err));
    ck_assert_ptr_eq(buf.data, before);
    buf_free(&buf);
    ck_assert(buf.data == NULL && buf.len == 0 && buf.cap == 0);
    buf_free(&buf);
}
END_TEST

START_TEST(reserve_is_enough)
{
    Err err = {0};
    Buf buf = {0};
    ck_ok(buf_append(&buf, "abc", 3, &err));
    ck_ok(buf_reserve(&buf, 100000, &err));
    ck_assert_uint_ge(buf.cap - buf.len, 100000);
    memset(buf.data + buf.len, 'x', 100000);
    ck_assert(memcmp(buf.data, "abc", 3) == 0);
    buf_free(&buf);
}
END_TEST

START_TEST(impossible_sizes)
{
    Err err = {0};
    Buf buf = {0};
    ck_ok(buf_append(&buf, "abc", 3, &err));
    ck_fails(buf_reserve(&buf, SIZE_MAX, &err), ERR_STOP, "out of memory");
    ck_fails(buf_reserve(&buf, SIZE_MAX / 2, &err), ERR_STOP, "out of memory");
    ck_assert_uint_eq(buf.len, 3);
    ck_assert(memcmp(buf.data, "abc", 3) == 0);
    buf_free(&buf);
}
END_TEST

START_TEST(text_and_format)
{
    Err err = {0};
    Buf buf = {0};
    char big[3000];
    ck_ok(buf_text(&buf, "", &err));
    ck_assert_str_eq(buf.data, "");
    ck_ok(buf_text(&buf, "one", &err));
    ck_ok(buf_format(&buf, &err, " %d %s", 2, "three"));
    ck_assert_str_eq(buf.data, "one 2 three");
    ck_assert_uint_eq(buf.len, strlen("one 2 three"));
    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    ck_ok(buf_format(&buf, &err, "%s!", big));
    ck_assert_uint_eq(buf.len, 11 + sizeof big);
    ck_assert_str_eq(buf.data + 11 + sizeof big - 3, "xx!");
    buf_free(&buf);
}
END_TEST

/* Copies stay where they are, whatever comes after them; one larger than a block too. */
START_TEST(arena_keeps_copies)
{
    Err err = {0};
    Arena arena = {0};
    static const char *copies[4000];
    char text[40];
    size_t len = 200000;
    char *large = malloc(len);
    ck_assert_ptr_nonnull(large);
    memset(large, 'L', len);
    const char *large_copy = NULL;
    for (int i = 0; i < 4000; i++) {
        snprintf(text, sizeof text, "name-%d-0123456789012345678", i);
        copies[i] = arena_copy(&arena, text, strlen(text), &err);
        ck_assert_ptr_nonnull(copies[i]);
        if (i == 2000)
            large_copy = arena_copy(&arena, large, len, &err);
    }
    for (int i = 0; i < 4000; i++) {
        snprintf(text, sizeof text, "name-%d-0123456789012345678", i);
        ck_assert_str_eq(copies[i], text);
    }
    ck_assert(memcmp(large_copy, large, len) == 0 && large_copy[len] == '\0');
    ck_assert_str_eq(arena_copy(&arena, "cut here", 3, &err), "cut");
    ck_assert_str_eq(arena_copy(&arena, "", 0, &err), "");
    ck_assert_uint_ge(arena.bytes, 4000 * 30 + len);
    ck_assert_uint_le(arena.bytes, 4000 * 30 + len + 4 * 66000);
    arena_free(&arena);
    ck_assert(arena.head == NULL && arena.bytes == 0);
    arena_free(&arena);
    free(large);
}
END_TEST

/* Strings that just fill a block, and one byte more. */
START_TEST(arena_block_edges)
{
    Err err = {0};
    static char text[70000];
    memset(text, 'e', sizeof text);
    for (size_t len = 65530; len < 65545; len++) {
        Arena arena = {0};
        const char *first = arena_copy(&arena, "12345", 5, &err), *copy = arena_copy(&arena, text, len - 6, &err);
        const char *next = arena_copy(&arena, "next", 4, &err);
        ck_assert_str_eq(first, "12345");
        ck_assert_uint_eq(strlen(copy), len - 6);
        ck_assert_str_eq(next, "next");
        arena_free(&arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/buf");
    TCase *tests = tcase_create("buf");
    tcase_add_test(tests, append_and_grow);
    tcase_add_test(tests, reserve_is_enough);
    tcase_add_test(tests, impossible_sizes);
    tcase_add_test(tests, text_and_format);
    tcase_add_test(tests, arena_keeps_copies);
    tcase_add_test(tests, arena_block_edges);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
