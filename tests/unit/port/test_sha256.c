#include "port/sha256.h"

#include <pthread.h>

#include "../unit.h"

static const char abc_hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char empty_hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void check_hex(const Digest *digest, const char *expected)
{
    char hex[2 * DIGEST_BYTES + 1];
    digest_hex(digest, hex);
    ck_assert_str_eq(hex, expected);
}

START_TEST(known_answers)
{
    Err err = {0};
    Digest digest;
    ck_ok(sha256_once("abc", 3, &digest, &err));
    check_hex(&digest, abc_hex);
    ck_ok(sha256_once(NULL, 0, &digest, &err));
    check_hex(&digest, empty_hex);
}
END_TEST

START_TEST(pieces_and_reset)
{
    Err err = {0};
    Digest digest;
    Sha256 *sha = sha256_new(&err);
    ck_assert_ptr_nonnull(sha);
    ck_ok(sha256_add(sha, "left over", 9, &err));
    ck_ok(sha256_reset(sha, &err));
    ck_ok(sha256_add(sha, "a", 1, &err));
    ck_ok(sha256_add(sha, NULL, 0, &err));
    ck_ok(sha256_add(sha, "bc", 2, &err));
    ck_ok(sha256_end(sha, &digest, &err));
    check_hex(&digest, abc_hex);
    ck_ok(sha256_reset(sha, &err));
    ck_ok(sha256_end(sha, &digest, &err));
    check_hex(&digest, empty_hex);
    sha256_free(sha);
    sha256_free(NULL);
}
END_TEST

/* A copy goes on by itself; the original is not moved by it. */
START_TEST(copy_continues)
{
    Err err = {0};
    Digest one, two;
    Sha256 *a = sha256_new(&err), *b = sha256_new(&err);
    ck_assert(a != NULL && b != NULL);
    ck_ok(sha256_add(b, "other", 5, &err));
    ck_ok(sha256_add(a, "ab", 2, &err));
    ck_ok(sha256_copy(b, a, &err));
    ck_ok(sha256_add(b, "c", 1, &err));
    ck_ok(sha256_end(b, &two, &err));
    ck_ok(sha256_add(a, "c", 1, &err));
    ck_ok(sha256_end(a, &one, &err));
    check_hex(&two, abc_hex);
    ck_assert(digest_equal(&one, &two));
    sha256_free(a);
    sha256_free(b);
}
END_TEST

/* The lines that sha256sum prints, odd names escaped. */
START_TEST(sum_lines)
{
    static const char *const cases[][2] = {{"a b.txt", "%s  a b.txt\n"},
                                           {"\xff", "%s  \xff\n"},
                                           {"back\\slash", "\\%s  back\\\\slash\n"},
                                           {"\nx\r", "\\%s  \\nx\\r\n"}};
    Err err = {0};
    Digest content, is, should;
    Sha256 *sha = sha256_new(&err);
    ck_assert_ptr_nonnull(sha);
    ck_ok(sha256_once("abc", 3, &content, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200], *hex = strstr(strcpy(line, cases[i][1]), "%s");
        memmove(hex + sizeof abc_hex - 1, hex + 2, strlen(hex + 2) + 1);
        memcpy(hex, abc_hex, sizeof abc_hex - 1);
        ck_ok(sha256_once(line, strlen(line), &should, &err));
        ck_ok(sha256_reset(sha, &err));
        ck_ok(sha256_add_sum_line(sha, &content, cases[i][0], &err));
        ck_ok(sha256_end(sha, &is, &err));
        ck_assert_msg(digest_equal(&is, &should), "%s", line);
    }
    sha256_free(sha);
}
END_TEST

START_TEST(hex_and_back)
{
    Digest digest = {{0}}, before;
    ck_assert(digest_parse(abc_hex, &digest));
    check_hex(&digest, abc_hex);
    before = digest;
    ck_assert(digest_equal(&before, &digest));
    before.byte[31] ^= 1;
    ck_assert(!digest_equal(&before, &digest));
    ck_assert(digest_parse("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", &digest));
    check_hex(&digest, abc_hex);
    before = digest;
    ck_assert(!digest_parse("", &digest));
    ck_assert(!digest_parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", &digest));
    ck_assert(!digest_parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015add", &digest));
    ck_assert(!digest_parse("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ag", &digest));
    ck_assert(digest_equal(&before, &digest));
}
END_TEST

static void *hash_often(void *arg)
{
    Digest digest, *expected = arg;
    for (int i = 0; i < 200; i++)
        if (!sha256_once("abc", 3, &digest, NULL) || !digest_equal(&digest, expected))
            return arg;
    return NULL;
}

/* The first use may come from many threads at once. */
START_TEST(threads_start_together)
{
    Digest expected;
    pthread_t threads[8];
    ck_assert(digest_parse(abc_hex, &expected));
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hash_often, &expected), 0);
    for (size_t i = 0; i < 8; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("port/sha256");
    TCase *tests = tcase_create("sha256");
    tcase_add_test(tests, known_answers);
    tcase_add_test(tests, pieces_and_reset);
    tcase_add_test(tests, copy_continues);
    tcase_add_test(tests, sum_lines);
    tcase_add_test(tests, hex_and_back);
    tcase_add_test(tests, threads_start_together);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
