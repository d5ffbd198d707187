#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Length of the well-formed UTF-8 character at `s`, 0 if there is none (RFC 3629, table 3-7 of the Unicode standard). */
static size_t utf8_step(const unsigned char *s, size_t len)
{
    if (s[0] < 0x80)
        return 1;
    size_t need = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return need;
}

static bool is_control(const unsigned char *s, size_t step)
{
    return s[0] < 0x20 || s[0] == 0x7f || (step == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

bool text_utf8_valid(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = utf8_step((const unsigned char *)s + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

size_t text_utf8_length(const char *s, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

bool text_has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = utf8_step((const unsigned char *)s + i, len - i);
        if (step == 0 || is_control((const unsigned char *)s + i, step))
            return true;
        i += step;
    }
    return false;
}

size_t text_deceptive(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    if (len >= 2 && u[0] == 0xd8 && u[1] == 0x9c)
        return 2;
    if (len < 3 || u[0] != 0xe2)
        return 0;
    bool is_mark = u[1] == 0x80 && (u[2] == 0x8e || u[2] == 0x8f || (u[2] >= 0xa8 && u[2] <= 0xae));
    return is_mark || (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9) ? 3 : 0;
}

void text_escape(char *out, size_t cap, const char *s, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        const unsigned char *at = (const unsigned char *)s + i;
        size_t step = utf8_step(at, len - i);
        bool plain = step > 0 && !is_control(at, step) && text_deceptive(s + i, len - i) == 0;
        size_t take = step > 0 ? step : 1;
        size_t need = plain ? take : 4 * take;
        if (used + need + 1 > cap)
            break;
        if (plain) {
            memcpy(out + used, at, take);
        } else {
            for (size_t k = 0; k < take; k++)
                snprintf(out + used + 4 * k, cap - used - 4 * k, "\\x%02x", at[k]);
        }
        used += need;
        i += take;
    }
    if (cap > 0)
        out[used] = '\0';
}

size_t text_percent_encode(char *out, const char *s, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        const unsigned char *at = (const unsigned char *)s + i;
        size_t step = utf8_step(at, len - i);
        if (step == 0 || at[0] <= 0x20 || at[0] == 0x7f || at[0] == '%') {
            out[used++] = '%';
            out[used++] = digits[at[0] >> 4];
            out[used++] = digits[at[0] & 15];
            i++;
        } else {
            memcpy(out + used, at, step);
            used += step;
            i += step;
        }
    }
    out[used] = '\0';
    return used;
}

ptrdiff_t text_percent_decode(char *s, size_t len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '%') {
            char hex[3] = {0};
            unsigned char byte;
            if (len - i < 3)
                return -1;
            hex[0] = s[i + 1];
            hex[1] = s[i + 2];
            if (!text_unhex(&byte, 1, hex) || byte == 0)
                return -1;
            s[used++] = (char)byte;
            i += 2;
        } else if (s[i] == '\0') {
            return -1;
        } else {
            s[used++] = s[i];
        }
    }
    s[used] = '\0';
    return (ptrdiff_t)used;
}

bool text_copy(char *out, size_t cap, const char *s)
{
    size_t len = strlen(s);
    if (cap == 0)
        return false;
    size_t take = len < cap ? len : cap - 1;
    memcpy(out, s, take);
    out[take] = '\0';
    return take == len;
}

bool text_starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *s, const char *suffix)
{
    size_t len = strlen(s), tail = strlen(suffix);
    return len >= tail && memcmp(s + len - tail, suffix, tail) == 0;
}

bool text_parse_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
    if (!isdigit((unsigned char)s[0]))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* A decimal number at `s`, at most 15 digits before the point; *end behind it. */
static bool parse_decimal(const char *s, double *value, const char **end)
{
    size_t digits = strspn(s, "0123456789");
    if (digits == 0 || digits > 15)
        return false;
    char *stop;
    size_t all = digits;
    if (s[digits] == '.')
        all += 1 + strspn(s + digits + 1, "0123456789");
    char copy[40];
    if (all >= sizeof copy)
        return false;
    memcpy(copy, s, all);
    copy[all] = '\0';
    *value = strtod(copy, &stop);
    *end = s + all;
    return *stop == '\0';
}

bool text_parse_bytes(const char *s, uint64_t *out)
{
    static const struct {
        const char *suffix;
        unsigned shift;
    } units[] = {{"", 0},   {"b", 0},  {"k", 10},   {"kib", 10}, {"kb", 10}, {"m", 20},  {"mib", 20}, {"mb", 20},
                 {"g", 30}, {"gib", 30}, {"gb", 30}, {"t", 40},   {"tib", 40}, {"tb", 40}};
    double value;
    const char *end;
    if (!parse_decimal(s, &value, &end))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(end, units[i].suffix) != 0)
            continue;
        value *= (double)(UINT64_C(1) << units[i].shift);
        if (value > 9.0e18)
            return false;
        *out = (uint64_t)value;
        return true;
    }
    return false;
}

bool text_parse_seconds(const char *s, double *out)
{
    static const struct {
        const char *suffix;
        double seconds;
    } units[] = {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    const char *end;
    double value;
    if (!parse_decimal(s, &value, &end))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            *out = value * units[i].seconds;
            return true;
        }
    }
    return false;
}

const char *text_bytes(char out[24], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    /* The limits are where printf rounds up to one digit more. */
    while (value >= 1023.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, 24, "%.*f %s", decimals, value, units[unit]);
    return out;
}

const char *text_seconds(char out[24], double seconds)
{
    if (seconds < 9.995) {
        snprintf(out, 24, "%.2f s", seconds < 0 ? 0 : seconds);
    } else if (seconds < 99.5) {
        snprintf(out, 24, "%.0f s", seconds);
    } else if (seconds < 3600) {
        snprintf(out, 24, "%d min %02d s", (int)seconds / 60, (int)seconds % 60);
    } else {
        double hours = seconds / 3600 > 999999 ? 999999 : seconds / 3600;
        snprintf(out, 24, "%d h %02d min", (int)hours, (int)(hours * 60) % 60);
    }
    return out;
}

static char hex_char(unsigned nibble)
{
    return (char)(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);
}

/* Hex of payloads is on the hot path of the backup: 16 bytes at a time where every CPU of the kind can. */
static size_t hex_blocks(char *out, const unsigned char *in, size_t len)
{
    size_t done = 0;
#ifdef __SSE2__
    const __m128i mask = _mm_set1_epi8(15), nine = _mm_set1_epi8(9), zero = _mm_set1_epi8('0'),
                  letters = _mm_set1_epi8('a' - '0' - 10);
    for (; len - done >= 16; done += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(in + done));
        __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), mask), low = _mm_and_si128(bytes, mask);
        __m128i pairs[2] = {_mm_unpacklo_epi8(high, low), _mm_unpackhi_epi8(high, low)};
        for (int i = 0; i < 2; i++) {
            __m128i text = _mm_add_epi8(_mm_add_epi8(pairs[i], zero), _mm_and_si128(_mm_cmpgt_epi8(pairs[i], nine), letters));
            _mm_storeu_si128((__m128i *)(void *)(out + 2 * done + 16 * i), text);
        }
    }
#else
    (void)out;
    (void)in;
    (void)len;
#endif
    return done;
}

void text_hex(char *out, const void *bytes, size_t len)
{
    const unsigned char *in = bytes;
    for (size_t i = hex_blocks(out, in, len); i < len; i++) {
        out[2 * i] = hex_char(in[i] >> 4);
        out[2 * i + 1] = hex_char(in[i] & 15);
    }
    out[2 * len] = '\0';
}

/* A digit's value and 1; 0: no digit. Hex of payloads is on the hot path of restore too, and its digits cannot be foreseen: no
 * branch for each. */
static const unsigned char hex_values[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

bool text_unhex(void *bytes, size_t len, const char *hex)
{
    unsigned char *out = bytes;
    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_values[(unsigned char)hex[2 * i]];
        if (high == 0)
            return false; /* the string may end here */
        unsigned low = hex_values[(unsigned char)hex[2 * i + 1]];
        if (low == 0)
            return false;
        out[i] = (unsigned char)((high - 1) << 4 | (low - 1));
    }
    return true;
}
