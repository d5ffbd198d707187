#include "base/id.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t id_random64(void)
{
    uint64_t value;
    if (getrandom(&value, sizeof value, GRND_NONBLOCK) == (ssize_t)sizeof value)
        return value;
    return (uint64_t)clock_real_ns() * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)getpid() << 40;
}

void id_new_uuid(char out[37])
{
    uint64_t ms = (uint64_t)(clock_real_ns() / 1000000) & UINT64_C(0xffffffffffff);
    uint64_t a = id_random64(), b = id_random64();
    snprintf(out, 37, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff), (unsigned)(a & 0xfff),
             (unsigned)(0x8000 | (a >> 16 & 0x3fff)), (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

static int64_t read_clock(clockid_t which)
{
    struct timespec now = {0};
    clock_gettime(which, &now);
    return clock_timespec_ns(now);
}

int64_t clock_timespec_ns(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
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
