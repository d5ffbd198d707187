#include "base/clock.h"

#include <stdio.h>

static int64_t read_clock(clockid_t which)
{
    struct timespec now = {0};
    clock_gettime(which, &now);
    return clock_timespec_ns(now);
}

int64_t clock_timespec_ns(struct timespec t)
{
    const int64_t second = 1000000000;
    if (t.tv_sec >= INT64_MAX / second)
        return INT64_MAX;
    return t.tv_sec < INT64_MIN / second ? INT64_MIN : (int64_t)t.tv_sec * second + t.tv_nsec;
}

double clock_seconds(void)
{
    return (double)read_clock(CLOCK_MONOTONIC) / 1e9;
}

int64_t clock_real_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void clock_sleep(double seconds)
{
    if (seconds <= 0)
        return;
    struct timespec wait = {.tv_sec = (time_t)seconds};
    wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
    nanosleep(&wait, NULL);
}

void clock_iso(char out[25], int64_t real_ns)
{
    int64_t ms = real_ns / 1000000 - (real_ns % 1000000 < 0); /* rounded down, also before 1970 */
    time_t seconds = (time_t)(ms / 1000 - (ms % 1000 < 0));
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
             utc.tm_min, utc.tm_sec, (int)(ms - (int64_t)seconds * 1000));
    snprintf(out, 25, "%.24s", text);
}
