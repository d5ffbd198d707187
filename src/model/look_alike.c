#include "model/look_alike.h"

#include <stdint.h>
#include <string.h>

/* The character at `s` (well-formed UTF-8), and its length. */
static uint32_t character(const char *s, size_t *len)
{
    const unsigned char *b = (const unsigned char *)s;
    *len = b[0] < 0x80 ? 1 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    uint32_t c = *len == 1 ? b[0] : b[0] & (0xff >> (*len + 1));
    for (size_t i = 1; i < *len && b[i] != 0; i++)
        c = c << 6 | (b[i] & 0x3f);
    return c;
}

/* A mark that goes over, under or through the character before it. */
static bool is_mark(uint32_t c)
{
    return (c >= 0x300 && c <= 0x36f) || c == 0x3099 || c == 0x309a || (c >= 0x1ab0 && c <= 0x1aff) ||
           (c >= 0x1dc0 && c <= 0x1dff) || (c >= 0x20d0 && c <= 0x20ff) || (c >= 0x0653 && c <= 0x0655);
}

/* The letter under the marks of a composed one, 0 = it is not known as one: Latin with Vietnamese, Greek and Russian. */
static uint32_t base_letter(uint32_t c)
{
    /* U+00C0 to U+017F; '.' = none. */
    static const char latin[] = "AAAAAA.CEEEEIIII.NOOOOO..UUUUY..aaaaaa.ceeeeiiii.nooooo..uuuuy.y"
                                "AaAaAaCcCcCcCcDd..EeEeEeEeEeGgGgGgGgHh..IiIiIiIiI...JjKk.LlLlLl."
                                "...NnNnNn...OoOoOo..RrRrRrSsSsSsSsTtTt..UuUuUuUuUuUuWwYyYZzZzZz.";
    static const uint32_t others[][2] = {{0x419, 0x418}, {0x439, 0x438}, {0x401, 0x415}, {0x451, 0x435},
                                         {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7}, {0x3af, 0x3b9},
                                         {0x3cc, 0x3bf}, {0x3cd, 0x3c5}, {0x3ce, 0x3c9}};
    static const struct {
        uint32_t first, last;
        char letter;
    } vietnamese[] = {{0x1ea0, 0x1eb7, 'A'}, {0x1eb8, 0x1ec7, 'E'}, {0x1ec8, 0x1ecb, 'I'},
                      {0x1ecc, 0x1ee3, 'O'}, {0x1ee4, 0x1ef1, 'U'}, {0x1ef2, 0x1ef9, 'Y'}}; /* capital and small take turns */
    if (c >= 0xc0 && c - 0xc0 < sizeof latin - 1)
        return latin[c - 0xc0] != '.' ? (uint32_t)latin[c - 0xc0] : 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i][0] == c)
            return others[i][1];
    for (size_t i = 0; i < sizeof vietnamese / sizeof *vietnamese; i++)
        if (c >= vietnamese[i].first && c <= vietnamese[i].last)
            return (uint32_t)vietnamese[i].letter + (c % 2 == 1 ? 0x20 : 0);
    return 0;
}

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40f)
        return c + 0x50;
    return c >= 0x100 && c <= 0x137 ? c | 1 : c;
}

static bool put(char *key, size_t cap, size_t *len, uint32_t c)
{
    if (*len + 5 > cap)
        return false;
    if (c < 0x80) {
        key[(*len)++] = (char)c;
        return true;
    }
    key[(*len)++] = (char)0xff; /* begins no character of UTF-8: the number follows */
    for (int shift = 14; shift >= 0; shift -= 7)
        key[(*len)++] = (char)((c >> shift & 0x7f) | 0x80);
    return true;
}

bool look_alike_key(const char *name, LookAlike kind, char *key, size_t cap)
{
    size_t len = 0, step;
    for (const char *s = name; *s != '\0'; s += step) {
        uint32_t c = character(s, &step);
        if (kind == LOOK_ALIKE_CASE) {
            if (!put(key, cap, &len, lower(c)))
                return false;
            continue;
        }
        /* A letter and one mark that stands for all of its marks; か and its mark are the next letter. */
        size_t mark_step;
        uint32_t mark = s[step] != '\0' ? character(s + step, &mark_step) : 0, base = base_letter(c);
        bool is_kana = mark == 0x3099 || mark == 0x309a, marked = base != 0 || (is_mark(mark) && !is_kana);
        if (is_kana)
            c += mark == 0x3099 ? 1 : 2;
        while (s[step] != '\0' && is_mark(character(s + step, &mark_step)))
            step += mark_step;
        if (!put(key, cap, &len, base != 0 ? base : c) || (marked && !put(key, cap, &len, 1)))
            return false;
    }
    key[len] = '\0';
    return true;
}

bool look_alike_possible(const char *name, LookAlike kind)
{
    for (; *name != '\0'; name++)
        if ((unsigned char)*name >= 0x80 || (kind == LOOK_ALIKE_CASE && *name >= 'A' && *name <= 'Z'))
            return true;
    return false;
}

bool look_alike_is_decomposed(const char *name)
{
    for (size_t step; *name != '\0'; name += step)
        if (is_mark(character(name, &step)))
            return true;
    return false;
}
