/* id.h: random numbers from the kernel, run identifiers and clocks. Any thread. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdint.h>
#include <time.h>

uint64_t id_random64(void); /* getrandom(2); falls back on the clock and the pid when the kernel has none yet */

/* A UUID of version 7 (RFC 9562): sorts by time. 36 characters and a NUL. */
void id_new_uuid(char out[37]);

double clock_seconds(void);          /* monotonic */
int64_t clock_real_ns(void);         /* since 1970, UTC */
int64_t clock_timespec_ns(struct timespec t);
void clock_sleep(double seconds);    /* returns early when interrupted by a signal */
void clock_iso(char out[25], int64_t real_ns); /* 2026-03-01T12:00:00.123Z */

#endif
