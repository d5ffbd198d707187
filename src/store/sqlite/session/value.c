#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define SECOND_NS INT64_C(1000000000)
#define DAY_SECONDS INT64_C(86400)

void sqlite_time_text(char out[SQLITE_TIME_SIZE], int64_t ns)
{
    int64_t seconds = ns / SECOND_NS - (ns % SECOND_NS < 0);
    time_t when = (time_t)seconds;
    struct tm parts;
    char day[24] = "1970-01-01 00:00:00";
    if (gmtime_r(&when, &parts) != NULL)
        strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &parts);
    int64_t fraction = ns % SECOND_NS;
    snprintf(out, SQLITE_TIME_SIZE, "%s.%06d", day, (int)((fraction < 0 ? fraction + SECOND_NS : fraction) / 1000));
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Exactly `count` digits; moves *text behind them. -1 when they are not there. */
static int64_t digits(const char **text, int count)
{
    int64_t value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (**text < '0' || **text > '9')
            return -1;
        value = 10 * value + (**text - '0');
    }
    return value;
}

static bool skip(const char **text, const char *one_of)
{
    if (**text == '\0' || strchr(one_of, **text) == NULL)
        return false;
    (*text)++;
    return true;
}

static int64_t fraction_ns(const char **text)
{
    int64_t value = 0, scale = SECOND_NS;
    if (!skip(text, "."))
        return 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        scale /= 10;
        value += scale * (**text - '0');
    }
    return value;
}

/* Seconds east of UTC; false for what is no offset. */
static bool offset_seconds(const char *text, int64_t *out)
{
    *out = 0;
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    int64_t sign = *text == '-' ? -1 : 1;
    if (!skip(&text, "+-"))
        return false;
    int64_t hours = digits(&text, 2), minutes = 0;
    skip(&text, ":");
    if (*text != '\0')
        minutes = digits(&text, 2);
    *out = sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && minutes >= 0 && *text == '\0';
}

bool sqlite_time_ns(const char *text, int64_t *out)
{
    *out = 0;
    int64_t year = digits(&text, 4), month = -1, day = -1, hour = 0, minute = 0, second = 0, ns = 0, offset = 0;
    if (year >= 0 && skip(&text, "-"))
        month = digits(&text, 2);
    if (month >= 1 && month <= 12 && skip(&text, "-"))
        day = digits(&text, 2);
    if (day < 1 || day > 31)
        return false;
    if (skip(&text, " T")) {
        hour = digits(&text, 2);
        minute = hour >= 0 && skip(&text, ":") ? digits(&text, 2) : -1;
        if (minute >= 0 && skip(&text, ":"))
            second = digits(&text, 2);
        ns = fraction_ns(&text);
    }
    if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60 || !offset_seconds(text, &offset))
        return false;
    int64_t seconds = days_of(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
    bool late = seconds > INT64_MAX / SECOND_NS - 1, early = seconds < INT64_MIN / SECOND_NS + 1;
    *out = late ? INT64_MAX : early ? INT64_MIN : seconds * SECOND_NS + ns;
    return !late && !early;
}

static const char *clean_text(sqlite3_stmt *row, int column)
{
    if (sqlite3_column_type(row, column) != SQLITE_TEXT)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(row, column);
    size_t len = (size_t)sqlite3_column_bytes(row, column);
    return text != NULL && strlen(text) == len && text_utf8_valid(text, len) ? text : NULL;
}

const char *sqlite_text(sqlite3_stmt *row, int column)
{
    const char *text = clean_text(row, column);
    return text != NULL ? text : "";
}

const char *sqlite_name(sqlite3_stmt *row, int column)
{
    return clean_text(row, column);
}

uint64_t sqlite_size(sqlite3_stmt *row, int column)
{
    int64_t bytes = sqlite3_column_int64(row, column);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

bool sqlite_digest(sqlite3_stmt *row, int column, Digest *out)
{
    if (sqlite3_column_type(row, column) != SQLITE_BLOB || sqlite3_column_bytes(row, column) != DIGEST_BYTES)
        return false;
    const void *bytes = sqlite3_column_blob(row, column);
    if (bytes == NULL)
        return false;
    memcpy(out->byte, bytes, DIGEST_BYTES);
    return true;
}

int sqlite_bind_text(sqlite3_stmt *statement, int number, const char *text)
{
    return text == NULL ? sqlite3_bind_null(statement, number) : sqlite3_bind_text(statement, number, text, -1, SQLITE_STATIC);
}

int sqlite_bind_note(sqlite3_stmt *statement, int number, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0, cap = 4 * len + 1;
    if (len == 0)
        return sqlite3_bind_null(statement, number);
    if (text_utf8_valid(text, len))
        return sqlite3_bind_text(statement, number, text, -1, SQLITE_TRANSIENT);
    char *note = malloc(cap);
    if (note == NULL)
        return SQLITE_NOMEM;
    text_escape(note, cap, text, len);
    return sqlite3_bind_text(statement, number, note, -1, free);
}

int sqlite_bind_digest(sqlite3_stmt *statement, int number, const Digest *digest)
{
    return digest == NULL ? sqlite3_bind_null(statement, number)
                          : sqlite3_bind_blob(statement, number, digest->byte, DIGEST_BYTES, SQLITE_STATIC);
}
