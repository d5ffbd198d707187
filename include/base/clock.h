/* clock.h: what time it is. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

double clock_seconds(void);          /* monotonic */
int64_t clock_real_ns(void);         /* since 1970, UTC */
void clock_sleep(double seconds);    /* returns early when interrupted by a signal */

/* Nanoseconds since 1970; the years beyond 1678 to 2261, which a file system may hold, become INT64_MIN and INT64_MAX. */
int64_t clock_timespec_ns(struct timespec t);

void clock_iso(char out[25], int64_t real_ns); /* 2026-03-01T12:00:00.123Z */

#endif
