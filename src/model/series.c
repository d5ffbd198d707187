#include "model/series.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Two digits from low to high. */
static bool two(const char *text, int low, int high)
{
    if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return false;
    int value = (text[0] - '0') * 10 + text[1] - '0';
    return value >= low && value <= high;
}

/* 20240115, 2024-01-15, 2024_01_15, 2024.01.15: its length, 0 = none. */
static size_t date_length(const char *text)
{
    if ((strncmp(text, "19", 2) != 0 && strncmp(text, "20", 2) != 0) || !two(text + 2, 0, 99))
        return 0;
    bool apart = text[4] != '\0' && strchr("-_.", text[4]) != NULL;
    const char *month = text + 4 + apart;
    if (!two(month, 1, 12) || (apart && month[2] != text[4]))
        return 0;
    const char *day = month + 2 + apart;
    return two(day, 1, 31) ? (size_t)(day + 2 - text) : 0;
}

/* 103000, 10-30-00, T10:30, each with a separator before it; a fraction and a Z behind it. */
static size_t time_length(const char *text)
{
    size_t at = text[0] != '\0' && strchr("T_-. ", text[0]) != NULL ? 1 : 0;
    if (!two(text + at, 0, 23))
        return 0;
    at += 2;
    bool apart = text[at] != '\0' && strchr(":-.", text[at]) != NULL;
    if (!two(text + at + apart, 0, 59))
        return 0;
    at += 2 + (size_t)apart;
    bool more = text[at] != '\0' && strchr(":-.", text[at]) != NULL;
    if (two(text + at + more, 0, 60))
        at += 2 + (size_t)more;
    if (text[at] == '.' && isdigit((unsigned char)text[at + 1]))
        at += 1 + strspn(text + at + 1, "0123456789");
    return at + (text[at] == 'Z');
}

/* Seconds since 1970, or their thousandth, millionth … part, of the years 2001 to 2100. Other numbers are identifiers. */
static bool is_epoch(const char *text, size_t digits)
{
    int64_t seconds = 0;
    if (digits != 10 && digits != 13 && digits != 16 && digits != 19)
        return false;
    for (size_t i = 0; i < 10; i++)
        seconds = seconds * 10 + (text[i] - '0');
    return seconds >= INT64_C(978307200) && seconds < INT64_C(4133980800);
}

static bool ends_component(char c)
{
    return c == '\0' || c == '/';
}

/* The length of a time at the end of a component that begins here; 0 = none. */
static size_t stamp_length(const char *text)
{
    size_t date = date_length(text), time = date > 0 ? time_length(text + date) : 0;
    if (date > 0 && ends_component(text[date + time]))
        return date + time;
    if (date > 0 && ends_component(text[date]))
        return date;
    size_t digits = strspn(text, "0123456789");
    return is_epoch(text, digits) && ends_component(text[digits]) ? digits : 0;
}

bool series_split(const char *name, char *key, char *when, size_t cap)
{
    size_t key_len = 0, when_len = 0;
    for (const char *c = name; *c != '\0';) {
        size_t len = c == name || !isdigit((unsigned char)c[-1]) ? stamp_length(c) : 0;
        if (key_len + 2 > cap || when_len + len + 1 > cap)
            return false;
        if (len == 0) {
            key[key_len++] = *c++;
            continue;
        }
        key[key_len++] = '\1'; /* in no name */
        for (size_t i = 0; i < len; i++)
            if (isdigit((unsigned char)c[i]))
                when[when_len++] = c[i];
        c += len;
    }
    key[key_len] = when[when_len] = '\0';
    return when_len > 0;
}
