/* id.h: random numbers from the kernel, and run identifiers. Any thread. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdint.h>

uint64_t id_random64(void); /* getrandom(2); falls back on the clock and the pid when the kernel has none yet */

/* A UUID of version 7 (RFC 9562): sorts by time. 36 characters and a NUL. */
void id_new_uuid(char out[37]);

#endif
