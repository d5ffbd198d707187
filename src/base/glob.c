#include "base/glob.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

#define NOT_UTF8 0x110000u /* and the byte: behind all code points */

static size_t sequence_length(unsigned char first)
{
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* The character at *s, which goes behind it. 0 at the end, where *s stays. */
static uint32_t next_character(const char **s)
{
    const unsigned char *at = (const unsigned char *)*s;
    size_t len = sequence_length(at[0]);
    if (at[0] == '\0')
        return 0;
    if (at[0] < 0x80 || strnlen(*s, len) < len || !text_utf8_valid(*s, len)) {
        ++*s;
        return at[0] < 0x80 ? at[0] : NOT_UTF8 + at[0];
    }
    uint32_t character = at[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        character = character << 6 | (at[i] & 0x3fu);
    *s += len;
    return character;
}

static bool in_class(uint32_t character, const char *name, size_t len)
{
    static const struct {
        const char *name;
        int (*test)(int character);
    } classes[] = {{"alnum", isalnum}, {"alpha", isalpha}, {"blank", isblank}, {"cntrl", iscntrl}, {"digit", isdigit},
                   {"graph", isgraph}, {"lower", islower}, {"print", isprint}, {"punct", ispunct}, {"space", isspace},
                   {"upper", isupper}, {"xdigit", isxdigit}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0)
            return character < 0x80 && classes[i].test((int)character) != 0;
    return false;
}

/* One character of a set, where a backslash takes the next one as it is. */
static uint32_t set_character(const char **pattern)
{
    if (**pattern == '\\' && (*pattern)[1] != '\0')
        ++*pattern;
    return next_character(pattern);
}

/* *pattern is behind a `[`, and goes behind the `]`. False when there is none: then *matches is not set. */
static bool match_set(const char **pattern, uint32_t character, bool *matches)
{
    const char *at = *pattern;
    bool negated = *at == '!' || *at == '^', found = false;
    at += negated;
    for (bool first = true; first || *at != ']'; first = false) {
        const char *end = at[0] == '[' && at[1] == ':' ? strstr(at + 2, ":]") : NULL;
        if (*at == '\0')
            return false;
        if (end != NULL) {
            found = found || in_class(character, at + 2, (size_t)(end - at - 2));
            at = end + 2;
            continue;
        }
        uint32_t low = set_character(&at), high = low;
        if (at[0] == '-' && at[1] != ']' && at[1] != '\0') {
            at++;
            high = set_character(&at);
        }
        found = found || (low <= character && character <= high);
    }
    *pattern = at + 1;
    *matches = found != negated;
    return true;
}

/* Does the next element of the pattern, which is no star, take `character`? */
static bool match_one(const char **pattern, uint32_t character)
{
    bool matches;
    const char *set = *pattern + 1;
    if (**pattern == '?') {
        ++*pattern;
        return true;
    }
    if (**pattern == '[' && match_set(&set, character, &matches)) {
        *pattern = set;
        return matches;
    }
    if (**pattern == '\\' && *++*pattern == '\0')
        return false;
    return next_character(pattern) == character;
}

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *star_text = NULL; /* the last star's rest, and where it was tried */
    while (*text != '\0' || *pattern != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            star_text = text;
            continue;
        }
        const char *rest = text;
        uint32_t character = next_character(&rest);
        if (*pattern != '\0' && character != 0 && match_one(&pattern, character)) {
            text = rest;
            continue;
        }
        if (star == NULL || *star_text == '\0')
            return false;
        next_character(&star_text);
        pattern = star;
        text = star_text;
    }
    return true;
}

bool glob_path(const char *pattern, const char *path)
{
    if (glob_match(pattern, path))
        return true;
    const char *slash = strrchr(path, '/');
    return slash != NULL && strchr(pattern, '/') == NULL && glob_match(pattern, slash + 1);
}
