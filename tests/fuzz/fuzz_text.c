/* Strings and numbers: what comes out is safe, what goes there and back is the same. */
#include <math.h>
#include <string.h>

#include "base/glob.h"
#include "base/text.h"
#include "fuzz_files.h"

/* UTF-8 by the definition of code points, to compare with. */
static bool is_utf8(const uint8_t *s, size_t len)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0, need; i < len; i += need) {
        need = s[i] < 0x80 ? 1 : s[i] >> 5 == 6 ? 2 : s[i] >> 4 == 14 ? 3 : s[i] >> 3 == 30 ? 4 : 0;
        if (need == 0 || len - i < need)
            return false;
        uint32_t point = need == 1 ? s[i] : s[i] & (0x7fU >> need);
        for (size_t k = 1; k < need; k++) {
            if (s[i + k] >> 6 != 2)
                return false;
            point = point << 6 | (s[i + k] & 0x3f);
        }
        if (point < least[need] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
    }
    return true;
}

static void check_escape(const char *text, size_t len)
{
    size_t caps[] = {0, 1, 2, 5, len / 2 + 1, 4 * len + 1};
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++) {
        char *out = malloc(caps[i] + (caps[i] == 0));
        fuzz_assert(out != NULL);
        text_escape(out, caps[i], text, len);
        fuzz_assert(caps[i] == 0 ||
                    (strlen(out) < caps[i] && text_utf8_valid(out, strlen(out)) && !text_has_control(out, strlen(out))));
        fuzz_assert(i + 1 < sizeof caps / sizeof *caps || strlen(out) >= len);
        free(out);
    }
}

static void check_percent(const uint8_t *data, size_t len)
{
    char *encoded = malloc(3 * len + 1);
    fuzz_assert(encoded != NULL);
    size_t used = text_percent_encode(encoded, (const char *)data, len);
    fuzz_assert(used <= 3 * len && encoded[used] == '\0' && text_utf8_valid(encoded, used) &&
                strcspn(encoded, " \t\r\n\x7f") == used);
    ptrdiff_t back = text_percent_decode(encoded, used);
    if (len == 0 || memchr(data, '\0', len) == NULL)
        fuzz_assert(back == (ptrdiff_t)len && (len == 0 || memcmp(encoded, data, len) == 0));
    else
        fuzz_assert(back == -1);
    free(encoded);

    char *hostile = fuzz_string(data, len);
    back = text_percent_decode(hostile, len);
    fuzz_assert(back == -1 || (back <= (ptrdiff_t)len && strlen(hostile) == (size_t)back));
    free(hostile);
}

static void check_numbers(const char *text)
{
    char shown[24], digits[24];
    int64_t number;
    uint64_t bytes;
    double seconds;
    if (text_parse_int(text, -5, INT64_MAX, &number)) {
        const char *significant = text + strspn(text, "0");
        snprintf(digits, sizeof digits, "%lld", (long long)number);
        fuzz_assert(number >= 0 && strcmp(digits, *significant != '\0' ? significant : "0") == 0);
    }
    if (text_parse_bytes(text, &bytes))
        fuzz_assert(bytes <= (uint64_t)1 << 63 && strlen(text_bytes(shown, bytes)) < 10);
    if (text_parse_seconds(text, &seconds))
        fuzz_assert(seconds >= 0 && isfinite(seconds) && strlen(text_seconds(shown, seconds)) < sizeof shown - 1);
}

static void check_hex(const uint8_t *data, size_t len)
{
    char *hex = malloc(2 * len + 1);
    uint8_t *back = malloc(len + 1);
    fuzz_assert(hex != NULL && back != NULL);
    text_hex(hex, data, len);
    fuzz_assert(strlen(hex) == 2 * len && text_unhex(back, len, hex) && (len == 0 || memcmp(back, data, len) == 0));
    if (len > 0 && text_unhex(back, len / 2, (const char *)data)) {
        text_hex(hex, back, len / 2);
        for (size_t i = 0; i < len / 2 * 2; i++)
            fuzz_assert((data[i] | 0x20) == hex[i] || data[i] == hex[i]);
    }
    free(hex);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *raw = (const char *)data;
    char copy[16];
    bool valid = is_utf8(data, size);
    fuzz_assert(text_utf8_valid(raw, size) == valid);
    fuzz_assert(!valid || text_utf8_length(raw, size) <= size);
    check_escape(raw, size);
    check_percent(data, size);
    check_hex(data, size);
    char *text = fuzz_string(data, size);
    check_numbers(text);
    fuzz_assert(text_copy(copy, sizeof copy, text) == (strlen(text) < sizeof copy) && text_starts_with(text, copy));
    fuzz_assert(text_ends_with(text, text) && text_starts_with(text, text));
    /* A path behind a NUL, matched with the pattern before it. */
    if (strlen(text) < size)
        glob_path(text, text + strlen(text) + 1);
    free(text);
    return 0;
}
