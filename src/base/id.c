#include "base/id.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

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
