#include "base/text.h"

#include "../unit.h"

typedef struct Utf8Case {
    const char *bytes;
    bool valid;
} Utf8Case;

/* The edges of RFC 3629, one by one. */
START_TEST(utf8_valid)
{
    static const Utf8Case cases[] = {{"", true},
                                     {"plain", true},
                                     {"\x7f", true},
                                     {"\xc2\x80", true},
                                     {"\xdf\xbf", true},
                                     {"\xe0\xa0\x80", true},
                                     {"\xed\x9f\xbf", true},
                                     {"\xee\x80\x80", true},
                                     {"\xef\xbf\xbf", true},
                                     {"\xf0\x90\x80\x80", true},
                                     {"\xf4\x8f\xbf\xbf", true},
                                     {"a\xc3\xa9z", true},
                                     {"\x80", false},
                                     {"\xbf", false},
                                     {"\xc0\x80", false},
                                     {"\xc1\xbf", false},
                                     {"\xc2", false},
                                     {"\xc2\x7f", false},
                                     {"\xc2\xc0", false},
                                     {"\xe0\x9f\xbf", false},
                                     {"\xe0\xa0", false},
                                     {"\xed\xa0\x80", false},
                                     {"\xed\xbf\xbf", false},
                                     {"\xef\xbf", false},
                                     {"\xf0\x8f\xbf\xbf", false},
                                     {"\xf0\x90\x80", false},
                                     {"\xf4\x90\x80\x80", false},
                                     {"\xf5\x80\x80\x80", false},
                                     {"\xff", false},
                                     {"ok\xfe", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(text_utf8_valid(cases[i].bytes, strlen(cases[i].bytes)) == cases[i].valid, "case %zu", i);
    /* A character that is cut by the length is not valid, though its end is in memory. */
    ck_assert(!text_utf8_valid("\xe2\x82\xac", 2));
    ck_assert(text_utf8_valid("a\0b", 3));
}
END_TEST

START_TEST(utf8_length)
{
    ck_assert_uint_eq(text_utf8_length("", 0), 0);
    ck_assert_uint_eq(text_utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
}
END_TEST

START_TEST(controls)
{
    for (int c = 0; c < 0x80; c++) {
        char s[3] = {'a', (char)c, 'b'};
        ck_assert_int_eq(text_has_control(s, 3), c < 0x20 || c == 0x7f);
    }
    ck_assert(text_has_control("\xc2\x80", 2) && text_has_control("\xc2\x9f", 2));
    ck_assert(!text_has_control("\xc2\xa0", 2) && !text_has_control("\xc3\x80", 2) && !text_has_control("", 0));
}
END_TEST

static void escapes_to(const char *in, size_t cap, const char *expected)
{
    char out[100];
    memset(out, '#', sizeof out);
    text_escape(out, cap, in, strlen(in));
    ck_assert_str_eq(out, expected);
    for (size_t i = cap; i < sizeof out; i++)
        ck_assert_int_eq(out[i], '#');
}

START_TEST(escape)
{
    escapes_to("back\\slash caf\xc3\xa9", 50, "back\\slash caf\xc3\xa9");
    escapes_to("a\n\x1b\x7f", 50, "a\\x0a\\x1b\\x7f");
    escapes_to("\xc2\x9b" "31m", 50, "\\xc2\\x9b31m");
    escapes_to("\xff\xc3", 50, "\\xff\\xc3");
    escapes_to("a\xe2\x80\xae" "b\xe2\x81\xa9", 50, "a\\xe2\\x80\\xae" "b\\xe2\\x81\\xa9");
    escapes_to("\xd8\x9c\xe2\x80\x8f\xe2\x80\xa8", 50, "\\xd8\\x9c\\xe2\\x80\\x8f\\xe2\\x80\\xa8");
    escapes_to("\xe2\x80\xa6\xe2\x81\xaa\xd8\x9b", 50, "\xe2\x80\xa6\xe2\x81\xaa\xd8\x9b");
    /* Cut: nothing is split. */
    escapes_to("ab\xc3\xa9", 4, "ab");
    escapes_to("ab\xc3\xa9", 5, "ab\xc3\xa9");
    escapes_to("a\nb", 5, "a");
    escapes_to("a\nb", 6, "a\\x0a");
    escapes_to("abc", 1, "");
    char untouched = '#';
    text_escape(&untouched, 0, "abc", 3);
    ck_assert_int_eq(untouched, '#');
}
END_TEST

/* Every byte goes there and back, and the file in between holds no blank, no newline, nothing but UTF-8. */
START_TEST(percent_round_trip)
{
    char in[255], out[3 * sizeof in + 1];
    for (int i = 0; i < 255; i++)
        in[i] = (char)(i + 1);
    size_t len = text_percent_encode(out, in, sizeof in);
    ck_assert_uint_eq(len, strlen(out));
    ck_assert(text_utf8_valid(out, len) && !text_has_control(out, len) && strchr(out, ' ') == NULL);
    ck_assert_int_eq(text_percent_decode(out, len), sizeof in);
    ck_assert(memcmp(out, in, sizeof in) == 0);
    ck_assert_uint_eq(text_percent_encode(out, "a b%caf\xc3\xa9\xff", 10), 16);
    ck_assert_str_eq(out, "a%20b%25caf\xc3\xa9%ff");
}
END_TEST

START_TEST(percent_malformed)
{
    static const char *const bad[] = {"%", "%4", "a%4", "%zz", "%4g", "%00", "%%41"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char copy[8];
        strcpy(copy, bad[i]);
        ck_assert_msg(text_percent_decode(copy, strlen(copy)) == -1, "%s", bad[i]);
    }
    char good[] = "%41%2F%2f";
    ck_assert_int_eq(text_percent_decode(good, strlen(good)), 3);
    ck_assert_str_eq(good, "A//");
}
END_TEST

START_TEST(copy_and_ends)
{
    char out[4];
    ck_assert(text_copy(out, sizeof out, "abc"));
    ck_assert_str_eq(out, "abc");
    ck_assert(!text_copy(out, sizeof out, "abcd"));
    ck_assert_str_eq(out, "abc");
    ck_assert(!text_copy(out, 0, ""));
    ck_assert(text_starts_with("abc", "ab") && text_starts_with("abc", "") && !text_starts_with("ab", "abc"));
    ck_assert(text_ends_with("abc", "bc") && text_ends_with("abc", "") && !text_ends_with("bc", "abc") &&
              !text_ends_with("abcd", "bc"));
}
END_TEST

START_TEST(parse_int)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x10", "1.0", "1e3", "11", "99999999999999999999"};
    int64_t value = -5;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!text_parse_int(bad[i], 0, 10, &value), "%s", bad[i]);
    ck_assert_int_eq(value, -5);
    ck_assert(text_parse_int("10", 0, 10, &value) && value == 10);
    ck_assert(text_parse_int("007", 0, 10, &value) && value == 7);
    ck_assert(!text_parse_int("4", 5, 10, &value));
    ck_assert(text_parse_int("9223372036854775807", 0, INT64_MAX, &value) && value == INT64_MAX);
    ck_assert(!text_parse_int("9223372036854775808", 0, INT64_MAX, &value));
}
END_TEST

START_TEST(parse_bytes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"1", 1},
                {"512B", 512},
                {"2k", 2048},
                {"2KiB", 2048},
                {"2kb", 2048},
                {"1.5M", 1572864},
                {"256MiB", UINT64_C(256) << 20},
                {"4G", UINT64_C(4) << 30},
                {"1t", UINT64_C(1) << 40},
                {"0.5g", UINT64_C(1) << 29},
                {"1.M", 1 << 20}};
    static const char *const bad[] = {
        "", "M", "-1", "1 G", "1X", "1GiBs", ".5G", "1e3", "inf", "nan", "0x10", "9999999999999999", "99999999T", "1.1.1"};
    uint64_t bytes;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(text_parse_bytes(good[i].text, &bytes), "%s", good[i].text);
        ck_assert_msg(bytes == good[i].bytes, "%s: %llu", good[i].text, (unsigned long long)bytes);
    }
    bytes = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!text_parse_bytes(bad[i], &bytes), "%s", bad[i]);
    ck_assert_uint_eq(bytes, 77);
}
END_TEST

START_TEST(parse_seconds)
{
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"0", 0}, {"30", 30}, {"250ms", 0.25}, {"1.5s", 1.5}, {"2m", 120}, {"1h", 3600}, {"30d", 2592000}};
    static const char *const bad[] = {"", "s", "-1s", "1 s", "1w", "1M", "1e3", "1sec"};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(text_parse_seconds(good[i].text, &seconds), "%s", good[i].text);
        ck_assert_double_eq_tol(seconds, good[i].seconds, 1e-9);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!text_parse_seconds(bad[i], &seconds), "%s", bad[i]);
}
END_TEST

START_TEST(bytes_for_people)
{
    char out[24];
    ck_assert_str_eq(text_bytes(out, 0), "0 B");
    ck_assert_str_eq(text_bytes(out, 1023), "1023 B");
    ck_assert_str_eq(text_bytes(out, 1024), "1.00 KiB");
    ck_assert_str_eq(text_bytes(out, 12595), "12.3 KiB");
    ck_assert_str_eq(text_bytes(out, 10239), "10.0 KiB");
    ck_assert_str_eq(text_bytes(out, 102399), "100 KiB");
    ck_assert_str_eq(text_bytes(out, 1048575), "1.00 MiB");
    ck_assert_str_eq(text_bytes(out, UINT64_C(1288490189)), "1.20 GiB");
    ck_assert_str_eq(text_bytes(out, UINT64_MAX), "16.0 EiB");
}
END_TEST

START_TEST(seconds_for_people)
{
    char out[24];
    ck_assert_str_eq(text_seconds(out, 0.42), "0.42 s");
    ck_assert_str_eq(text_seconds(out, -1), "0.00 s");
    ck_assert_str_eq(text_seconds(out, 9.999), "10 s");
    ck_assert_str_eq(text_seconds(out, 12), "12 s");
    ck_assert_str_eq(text_seconds(out, 99.7), "1 min 39 s");
    ck_assert_str_eq(text_seconds(out, 185), "3 min 05 s");
    ck_assert_str_eq(text_seconds(out, 7800), "2 h 10 min");
    ck_assert_uint_lt(strlen(text_seconds(out, 1e300)), 24);
}
END_TEST

START_TEST(hex)
{
    unsigned char all[256], back[256];
    char out[513];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    text_hex(out, all, sizeof all);
    ck_assert_uint_eq(strlen(out), 512);
    for (int i = 0; i < 256; i++) {
        char pair[3];
        snprintf(pair, sizeof pair, "%02x", i);
        ck_assert(memcmp(out + 2 * i, pair, 2) == 0);
    }
    ck_assert(text_unhex(back, sizeof back, out) && memcmp(back, all, sizeof all) == 0);
    ck_assert(text_unhex(back, 2, "aBCd") && back[0] == 0xab && back[1] == 0xcd);
    ck_assert(!text_unhex(back, 2, "abc") && !text_unhex(back, 2, "") && !text_unhex(back, 1, "g0") && !text_unhex(back, 1, "0x"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, utf8_valid);
    tcase_add_test(tests, utf8_length);
    tcase_add_test(tests, controls);
    tcase_add_test(tests, escape);
    tcase_add_test(tests, percent_round_trip);
    tcase_add_test(tests, percent_malformed);
    tcase_add_test(tests, copy_and_ends);
    tcase_add_test(tests, parse_int);
    tcase_add_test(tests, parse_bytes);
    tcase_add_test(tests, parse_seconds);
    tcase_add_test(tests, bytes_for_people);
    tcase_add_test(tests, seconds_for_people);
    tcase_add_test(tests, hex);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
